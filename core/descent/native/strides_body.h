/* A stride, for one instruction set: the body that strides.c gives to isa.h. */
#include "vectors.h"
#include "exponentials.h"

#define BLOCK (V == 8 ? 8 : 4) /* vectors of a row whose sums for NODES nodes stay in registers */

TARGET INLINE vec NAME(size)(vec x) { return (vec)((NAME(bits))x & (UINT64_MAX >> 1)); }

TARGET INLINE vec NAME(larger)(vec a, vec b) { return NAME(chosen)((NAME(bits))(a > b), a, b); }

/* The largest entry of a vector whose entries are no NaN. */
TARGET INLINE double NAME(most)(vec x)
{
    double most = x[0];
    for (int i = 1; i < V; i++) most = x[i] > most ? x[i] : most;
    return most;
}

TARGET INLINE double NAME(entries)(vec x)
{
    double sum = 0.0;
    for (int i = 0; i < V; i++) sum += x[i];
    return sum;
}

/* A number that is 0, but NaN where an entry is not finite. */
TARGET INLINE double NAME(nothing)(vec x) { return NAME(entries)(SPLAT(0.0) * x); }

TARGET INLINE void NAME(block)(const int nodes, const int vectors, const double *m, int64_t stride, int64_t first,
                               int64_t last, const double *weight, int64_t apart, double *out, int64_t between)
{
    vec sum[NODES][8];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++)
#pragma GCC unroll 8
        for (int k = 0; k < nodes; k++) sum[k][v] = LOAD(out + k * between + v * V);
    for (int64_t i = first; i < last; i++) {
        vec w[NODES];
#pragma GCC unroll 8
        for (int k = 0; k < nodes; k++) w[k] = SPLAT(weight[k * apart + i]);
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            const vec row = LOAD(m + i * stride + v * V);
#pragma GCC unroll 8
            for (int k = 0; k < nodes; k++) sum[k][v] = FMA(w[k], row, sum[k][v]);
        }
    }
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++)
#pragma GCC unroll 8
        for (int k = 0; k < nodes; k++) STORE(out + k * between + v * V, sum[k][v]);
}

TARGET INLINE void NAME(blocks)(const int nodes, const double *m, int64_t stride, int64_t first, int64_t last,
                                const double *weight, int64_t apart, double *out, int64_t between, int64_t from, int64_t to)
{
#define CASE(n) \
    case n: NAME(block)(nodes, n, m + from, stride, first, last, weight, apart, out + from, between); break
    for (int64_t left = (to - from) / V, taken; left > 0; left -= taken, from += taken * V) {
        const int64_t parts = (left + BLOCK - 1) / BLOCK;
        taken = (left + parts - 1) / parts;
        switch (taken) {
            CASE(1);
            CASE(2);
            CASE(3);
            CASE(4);
#if V == 8
            CASE(5);
            CASE(6);
            CASE(7);
            CASE(8);
#endif
        }
    }
#undef CASE
}

/* out_k += Σ_i weight_k[i]·row i of M over first ≤ i < last, i ascending, in the columns from ≤ j < to, whole vectors of
 * WIDEST; for one vector of weights, or for those of all nodes. */
TARGET static void NAME(sum)(const double *m, int64_t stride, int64_t first, int64_t last, const double *weight, double *out,
                             int64_t from, int64_t to)
{
    NAME(blocks)(1, m, stride, first, last, weight, 0, out, 0, from, to);
}

TARGET static void NAME(sums)(const double *m, int64_t stride, int64_t first, int64_t last, const double *weight,
                              int64_t apart, double *out, int64_t between, int64_t from, int64_t to)
{
    NAME(blocks)(NODES, m, stride, first, last, weight, apart, out, between, from, to);
}

/* rootᵀv of `nodes` vectors, 1 or NODES. */
TARGET static void NAME(inside)(const log_descent *d, int64_t nodes, const double *vectors, double *out)
{
    memset(out, 0, sizeof(double) * nodes * d->ranks);
    if (nodes == 1) NAME(sum)(d->by_dim, d->ranks, 0, d->dim, vectors, out, 0, d->ranks);
    else NAME(sums)(d->by_dim, d->ranks, 0, d->dim, vectors, d->dims, out, d->ranks, 0, d->ranks);
}

/* root·v of them. */
TARGET static void NAME(outside)(const log_descent *d, int64_t nodes, const double *vectors, double *out)
{
    memset(out, 0, sizeof(double) * nodes * d->dims);
    if (nodes == 1) NAME(sum)(d->by_rank, d->dims, 0, d->rank, vectors, out, 0, d->dims);
    else NAME(sums)(d->by_rank, d->dims, 0, d->rank, vectors, d->ranks, out, d->dims, 0, d->dims);
}

/* x of the next steps from the squares q± of `nodes` states, up to the sign: size·root(rootᵀ(q₊ − q₋) − target). */
TARGET static void NAME(step)(const log_descent *d, const workspace *w, int64_t nodes, const double *sizes, double *x)
{
    for (int64_t i = 0; i < nodes * d->dims; i += V) STORE(w->scratch + i, LOAD(w->plus + i) - LOAD(w->minus + i));
    NAME(inside)(d, nodes, w->scratch, w->residual);
    for (int64_t node = 0; node < nodes; node++)
        for (int64_t k = 0; k < d->ranks; k += V) {
            double *const at = w->residual + node * d->ranks + k;
            STORE(at, SPLAT(sizes[node]) * (LOAD(at) - LOAD(d->target + k)));
        }
    NAME(outside)(d, nodes, w->residual, x);
}

/* q± of states. */
TARGET static void NAME(square_roots)(const log_descent *d, const workspace *w, int64_t nodes, const double *logs)
{
    const int64_t dims = d->dims;
    const vec two = SPLAT(2.0);
    for (int64_t node = 0; node < nodes; node++)
        for (int64_t i = 0; i < dims; i += V) {
            STORE(w->plus + node * dims + i, NAME(exponential)(two * LOAD(logs + 2 * node * dims + i)));
            STORE(w->minus + node * dims + i, NAME(exponential)(two * LOAD(logs + (2 * node + 1) * dims + i)));
        }
}

/* A factor of u±, or NaN if it is none. */
TARGET INLINE vec NAME(positive)(vec factor)
{
    return NAME(chosen)((NAME(bits))(factor > SPLAT(0.0)), factor, SPLAT(NAN));
}

/* ln((1 ∓ x)(1 ∓ x')) of two steps; NaN where a factor is not positive, after the first step everywhere. */
TARGET static void NAME(pace)(const log_descent *d, const workspace *w, int64_t nodes, const double *logs, double rate,
                              const double *r, double rise, double *pace)
{
    const int64_t dims = d->dims;
    const vec one = SPLAT(1.0);
    double first[NODES], second[NODES];
    for (int64_t node = 0; node < nodes; node++) {
        first[node] = rate * r[node];
        second[node] = rate * (r[node] + rise);
    }
    NAME(square_roots)(d, w, nodes, logs);
    NAME(step)(d, w, nodes, first, w->x);
    for (int64_t i = 0; i < nodes * dims; i += V) {
        const vec up = NAME(positive)(one - LOAD(w->x + i)), down = NAME(positive)(one + LOAD(w->x + i));
        STORE(w->plus + i, LOAD(w->plus + i) * up * up);
        STORE(w->minus + i, LOAD(w->minus + i) * down * down);
    }
    NAME(step)(d, w, nodes, second, w->then);
    for (int64_t node = 0; node < nodes; node++)
        for (int64_t i = 0; i < dims; i += V) {
            const vec a = LOAD(w->x + node * dims + i), b = LOAD(w->then + node * dims + i);
            const vec both = a + b, product = a * b;
            const NAME(bits) up = (NAME(bits))(b < one), down = (NAME(bits))(-b < one);
            STORE(pace + 2 * node * dims + i, NAME(log_of_one_plus)(NAME(chosen)(up, product - both, SPLAT(NAN))));
            STORE(pace + (2 * node + 1) * dims + i, NAME(log_of_one_plus)(NAME(chosen)(down, product + both, SPLAT(NAN))));
        }
}

/* out_j = base (or 0) + Σ_l weights_jl·stage_l for all nodes, of (2, dims) entries. */
TARGET static void NAME(combined)(const log_descent *d, double weights[NODES][NODES], const double *stages,
                                  const double *base, double *out)
{
    const int64_t entries = 2 * d->dims;
    for (int64_t i = 0; i < entries; i += V)
        for (int j = 0; j < NODES; j++) {
            vec sum = base ? LOAD(base + i) : SPLAT(0.0);
            for (int l = 0; l < NODES; l++) sum = FMA(SPLAT(weights[j][l]), LOAD(stages + l * entries + i), sum);
            STORE(out + j * entries + i, sum);
        }
}

/* The weights of the paces of the stride before in what p changes by up to the nodes of this one. */
static void NAME(foreseen_weights)(const step_sums *before, const step_sums *over, double weights[NODES][NODES])
{
    for (int j = 0; j < NODES; j++) {
        const double stop = before->steps * (1 + over->nodes[j] * (over->steps / before->steps));
        const double powers[NODES] = {stop, stop * (stop - 1) / 2 / before->steps,
                                      stop * (stop - 1) * (2 * stop - 1) / 6 / (before->steps * before->steps)};
        for (int l = 0; l < NODES; l++) {
            double sum = 0.0;
            for (int power = 0; power < NODES; power++) sum += powers[power] * before->coefficients[power][l];
            weights[j][l] = sum - before->to_nodes[NODES - 1][l];
        }
    }
}

/* States at the nodes, if the pace goes on as it does: whether they are in sight. */
TARGET static int64_t NAME(foresee)(const log_descent *d, const workspace *w, const newton_limits *limits, stride *s)
{
    const int64_t entries = 2 * d->dims;
    double weights[NODES][NODES];
    const double *past = s->past;
    if (s->continued) NAME(foreseen_weights)(s->before, s->over, weights);
    else {
        NAME(pace)(d, w, 1, s->start, s->rate, &s->level, s->slope / 2, w->paces);
        memset(w->paces + entries, 0, sizeof(double) * (NODES - 1) * entries);
        past = w->paces;
        for (int j = 0; j < NODES; j++) {
            weights[j][0] = s->over->steps * s->over->nodes[j];
            weights[j][1] = weights[j][2] = 0.0;
        }
    }
    NAME(combined)(d, weights, past, NULL, s->states);
    vec most = SPLAT(0.0), nothing = SPLAT(0.0);
    for (int j = 0; j < NODES; j++)
        for (int64_t i = 0; i < entries; i += V) {
            double *const state = s->states + j * entries + i;
            const vec change = LOAD(state);
            most = NAME(larger)(NAME(size)(change), most);
            nothing = nothing + SPLAT(0.0) * change;
            STORE(state, LOAD(s->start + i) + change);
        }
    return NAME(most)(most) + NAME(entries)(nothing) <= limits->farthest;
}

/* SLOPES: 2·rate·q₊ and −2·rate·q₋ in the mean over the state in the middle and the next; the matrix T that is η times the
 * Gram matrix of those, and later its tridiagonal form. */
TARGET static void NAME(gram)(const log_descent *d, const workspace *w, const stride *s)
{
    const int64_t dims = d->dims, ranks = d->ranks;
    const double size = s->rate * (s->level + s->slope * (s->over->steps * s->over->nodes[MIDDLE]));
    const vec one = SPLAT(1.0), rate = SPLAT(s->rate);
    NAME(square_roots)(d, w, 1, s->states + 2 * MIDDLE * dims);
    NAME(step)(d, w, 1, &size, w->x);
    for (int64_t i = 0; i < dims; i += V) {
        const vec up = NAME(positive)(one - LOAD(w->x + i)), down = NAME(positive)(one + LOAD(w->x + i));
        STORE(w->slopes + i, rate * LOAD(w->plus + i) * (one + up * up));
        STORE(w->slopes + dims + i, -rate * LOAD(w->minus + i) * (one + down * down));
    }
    memset(w->matrix, 0, sizeof(double) * ranks * ranks);
    for (int64_t k = 0; k < d->rank; k += NODES) { /* the columns from its own on; the last rows may be no rows of root */
        const int64_t rows = d->rank - k < NODES ? d->rank - k : NODES;
        memset(w->scratch, 0, sizeof(double) * NODES * dims);
        for (int64_t row = 0; row < rows; row++)
            for (int64_t i = 0; i < dims; i += V)
                STORE(w->scratch + row * dims + i, LOAD(d->by_rank + (k + row) * dims + i) *
                                                       (LOAD(w->slopes + i) - LOAD(w->slopes + dims + i)));
        memset(w->residual, 0, sizeof(double) * NODES * ranks);
        NAME(sums)(d->by_dim, ranks, 0, d->dim, w->scratch, dims, w->residual, ranks, k & -WIDEST, ranks);
        for (int64_t row = 0; row < rows; row++)
            for (int64_t m = k + row; m < d->rank; m++)
                w->matrix[(k + row) * ranks + m] = w->matrix[m * ranks + k + row] = w->residual[row * ranks + m];
    }
}

/* The diagonal of T, what is below it and a 0, and Q of the matrix QTQᵀ, by Householder's reflections I − factor·h·hᵀ, column
 * by column from the first. Rows of `turned` hold the h until Q is made of them. */
TARGET static void NAME(reduce)(const log_descent *d, const workspace *w)
{
    const int64_t n = d->rank, ranks = d->ranks;
    double *const matrix = w->matrix, *const turn = w->turn, *const image = w->image, *const factors = w->kept;
    memset(w->turned, 0, sizeof(double) * ranks * ranks);
    memset(w->diagonal, 0, sizeof(double) * ranks);
    memset(w->below, 0, sizeof(double) * ranks);
    for (int64_t k = 0; k + 1 < n; k++) {
        const int64_t from = (k + 1) & -WIDEST;
        double *const h = w->turned + k * ranks, *const row = matrix + k * ranks;
        double square, inner;
        memcpy(h + k + 1, row + k + 1, sizeof(double) * (n - k - 1));
        const double first = h[k + 1];
        h[k + 1] = 0.0;
        NAME(dots)(1, h, ranks, h, from, ranks, &square);
        w->below[k] = first;
        factors[k] = 0.0;
        if (square == 0.0) continue;
        const double length = sqrt(first * first + square);
        w->below[k] = first > 0 ? -length : length;
        h[k + 1] = first - w->below[k];
        factors[k] = 2 / (h[k + 1] * h[k + 1] + square);
        memset(image, 0, sizeof(double) * ranks);
        NAME(sum)(matrix, ranks, k + 1, n, h, image, from, ranks);
        NAME(dots)(1, h, ranks, image, from, ranks, &inner);
        const vec factor = SPLAT(factors[k]), half = SPLAT(-0.5 * factors[k] * factors[k] * inner);
        for (int64_t i = from; i < ranks; i += V) STORE(image + i, FMA(half, LOAD(h + i), factor * LOAD(image + i)));
        for (int64_t i = k + 1; i < n; i++) {
            double *const other = matrix + i * ranks;
            const vec by = SPLAT(-h[i]), also = SPLAT(-image[i]);
            for (int64_t j = from; j < ranks; j += V)
                STORE(other + j, FMA(also, LOAD(h + j), FMA(by, LOAD(image + j), LOAD(other + j))));
        }
    }
    for (int64_t i = 0; i < n; i++) w->diagonal[i] = matrix[i * ranks + i];
    memset(turn, 0, sizeof(double) * ranks * ranks);
    for (int64_t i = 0; i < n; i++) turn[i * ranks + i] = 1.0;
    for (int64_t k = n - 2; k >= 0; k--) {
        const int64_t from = (k + 1) & -WIDEST;
        const double *const h = w->turned + k * ranks;
        if (factors[k] == 0.0) continue;
        memset(image, 0, sizeof(double) * ranks);
        NAME(sum)(turn, ranks, k + 1, n, h, image, from, ranks);
        for (int64_t i = k + 1; i < n; i++) {
            const vec by = SPLAT(-factors[k] * h[i]);
            for (int64_t j = from; j < ranks; j += V)
                STORE(turn + i * ranks + j, FMA(by, LOAD(image + j), LOAD(turn + i * ranks + j)));
        }
    }
    for (int64_t i = 0; i < ranks; i++)
        for (int64_t j = 0; j < ranks; j++) w->turned[j * ranks + i] = turn[i * ranks + j];
}

/* Whether 2 − rT is positive definite; not where it is not finite. */
static int64_t NAME(is_stable)(const log_descent *d, const workspace *w, double r)
{
    double pivot = 1.0, off = 0.0;
    for (int64_t k = 0; k < d->rank; k++) {
        pivot = 2 - r * w->diagonal[k] - off * off / pivot;
        if (!(pivot > 0)) return 0;
        off = r * w->below[k];
    }
    return 1;
}

/* The equations δ_ij + W_ij·r_j·T(2 − r_jT) of all modes and nodes, in a band: row i has the columns from i − REACH on. */
TARGET static void NAME(assemble)(const log_descent *d, const workspace *w, const double *r, const step_sums *over)
{
    const double *const a = w->diagonal, *const b = w->below;
    memset(w->equations, 0, sizeof(double) * NODES * WIDTH * d->rank);
    for (int64_t k = 0; k < d->rank; k++)
        for (int64_t m = k > 2 ? k - 2 : 0; m < d->rank && m <= k + 2; m++) {
            const int64_t low = k < m ? k : m, apart = k < m ? m - k : k - m;
            double first = 0.0, square;
            if (apart == 0) {
                first = a[k];
                square = a[k] * a[k] + b[k] * b[k] + (k > 0 ? b[k - 1] * b[k - 1] : 0.0);
            } else if (apart == 1) {
                first = b[low];
                square = b[low] * (a[low] + a[low + 1]);
            } else square = b[low] * b[low + 1];
            for (int i = 0; i < NODES; i++)
                for (int j = 0; j < NODES; j++) {
                    const double entry = over->to_nodes[i][j] * (r[j] * (2 * first - r[j] * square));
                    const int64_t row = k * NODES + i;
                    w->equations[row * WIDTH + m * NODES + j - row + REACH] = entry + (k == m && i == j);
                }
        }
}

/* LU with partial pivoting: the upper factor stays in the band, the multipliers of each column go to `lower`, and to
 * `pivots` the row that came to its place. */
TARGET static void NAME(factorise)(const log_descent *d, const workspace *w)
{
    const int64_t size = NODES * d->rank;
    for (int64_t c = 0; c < size; c++) {
        double *const lower = w->lower + c * REACH;
        const int64_t left = REACH < size - 1 - c ? REACH : size - 1 - c;
        double *const row = w->equations + c * WIDTH + REACH;
        int64_t pivot = 0;
        for (int64_t i = 1; i <= left; i++)
            if (fabs(row[i * (WIDTH - 1)]) > fabs(row[pivot * (WIDTH - 1)])) pivot = i;
        w->pivots[c] = (double)(c + pivot);
        if (pivot) {
            double *const other = row + pivot * (WIDTH - 1);
            for (int j = 0; j <= 2 * REACH; j++) {
                const double kept = row[j];
                row[j] = other[j];
                other[j] = kept;
            }
        }
        const double inverse = 1 / row[0];
        vec kept[2 * REACH / V];
#pragma GCC unroll 8
        for (int j = 0; j < 2 * REACH / V; j++) kept[j] = LOAD(row + 1 + j * V);
        for (int64_t i = 0; i < REACH; i++) lower[i] = 0.0;
        for (int64_t i = 1; i <= left; i++) {
            double *const next = row + i * (WIDTH - 1);
            const double factor = next[0] * inverse;
            lower[i - 1] = factor;
            if (factor == 0.0) continue;
#pragma GCC unroll 8
            for (int j = 0; j < 2 * REACH / V; j++)
                STORE(next + 1 + j * V, FMA(SPLAT(-factor), kept[j], LOAD(next + 1 + j * V)));
        }
    }
}

/* `seen`, in the order (mode, node), becomes the solution. */
TARGET static void NAME(solve)(const log_descent *d, const workspace *w)
{
    const int64_t size = NODES * d->rank;
    double *const x = w->seen;
    for (int64_t i = size; i < size + 2 * REACH; i++) x[i] = 0.0;
    for (int64_t c = 0; c < size; c++) {
        const double *const lower = w->lower + c * REACH;
        const int64_t pivot = (int64_t)w->pivots[c];
        const double value = x[pivot];
        x[pivot] = x[c];
        x[c] = value;
#pragma GCC unroll 8
        for (int j = 0; j < REACH; j++) x[c + 1 + j] -= value * lower[j];
    }
    for (int64_t c = size - 1; c >= 0; c--) {
        const double *const row = w->equations + c * WIDTH + REACH;
        double sum = x[c];
#pragma GCC unroll 16
        for (int j = 2 * REACH; j > 0; j--) sum -= row[j] * x[c + j];
        x[c] = sum / row[0];
    }
}

/* Of what the modes see of the changes at the nodes, in `moves`, what the paces move, there too: the sums of lag·y by the
 * weights, lag = r(2 − rT) and y the solution of the equations. Both are (node, rank). */
TARGET static void NAME(resolve)(const log_descent *d, const workspace *w, const double *r, const step_sums *over)
{
    const int64_t rank = d->rank, ranks = d->ranks;
    const double *const a = w->diagonal, *const b = w->below;
    double *const seen = w->seen;
    for (int64_t k = 0; k < rank; k++)
        for (int j = 0; j < NODES; j++) seen[k * NODES + j] = w->moves[j * ranks + k];
    NAME(solve)(d, w);
    for (int64_t k = 0; k < rank; k++) {
        double moved[NODES];
        for (int j = 0; j < NODES; j++) {
            const double here = seen[k * NODES + j];
            double image = a[k] * here;
            if (k > 0) image += b[k - 1] * seen[(k - 1) * NODES + j];
            if (k + 1 < rank) image += b[k] * seen[(k + 1) * NODES + j];
            moved[j] = r[j] * (2 * here - r[j] * image);
        }
        for (int i = 0; i < NODES; i++) {
            double sum = 0.0;
            for (int j = 0; j < NODES; j++) sum += over->to_nodes[i][j] * moved[j];
            w->moves[i * ranks + k] = sum;
        }
    }
}

/* Qᵀ or Q times what is in `residual` or `moves`, of all nodes, into the other of the two. */
TARGET static void NAME(turned)(const log_descent *d, const double *turn, const double *vectors, double *out)
{
    memset(out, 0, sizeof(double) * NODES * d->ranks);
    NAME(sums)(turn, d->ranks, 0, d->rank, vectors, d->ranks, out, d->ranks, 0, d->ranks);
}

/* What the states lack of the sums of their paces goes to `pace`, and what the modes see of it is solved; then the states
 * are moved by both. Returns the largest move, NaN if one is. */
TARGET static double NAME(improve)(const log_descent *d, const workspace *w, const stride *s, const double *r)
{
    const int64_t dims = d->dims, entries = 2 * dims;
    double *const missing = s->pace;
    for (int64_t i = 0; i < entries; i += V) {
        vec pace[NODES];
        for (int j = 0; j < NODES; j++) pace[j] = LOAD(missing + j * entries + i);
        for (int j = 0; j < NODES; j++) {
            vec sum = LOAD(s->start + i) - LOAD(s->states + j * entries + i);
            for (int l = 0; l < NODES; l++) sum = FMA(SPLAT(s->over->to_nodes[j][l]), pace[l], sum);
            STORE(missing + j * entries + i, sum);
        }
    }
    for (int j = 0; j < NODES; j++)
        for (int64_t i = 0; i < dims; i += V)
            STORE(w->scratch + j * dims + i, FMA(LOAD(w->slopes + dims + i), LOAD(missing + j * entries + dims + i),
                                                 LOAD(w->slopes + i) * LOAD(missing + j * entries + i)));
    NAME(inside)(d, NODES, w->scratch, w->residual);
    NAME(turned)(d, w->turn, w->residual, w->moves);
    NAME(resolve)(d, w, r, s->over);
    NAME(turned)(d, w->turned, w->moves, w->residual);
    NAME(outside)(d, NODES, w->residual, w->scratch);
    vec most = SPLAT(0.0), nothing = SPLAT(0.0);
    for (int j = 0; j < NODES; j++)
        for (int64_t i = 0; i < dims; i += V) {
            double *const up = s->states + j * entries + i, *const down = up + dims;
            const vec move = LOAD(w->scratch + j * dims + i);
            const vec plus = LOAD(missing + j * entries + i) - move, minus = LOAD(missing + j * entries + dims + i) + move;
            STORE(up, LOAD(up) + plus);
            STORE(down, LOAD(down) + minus);
            most = NAME(larger)(NAME(larger)(NAME(size)(plus), NAME(size)(minus)), most);
            nothing = nothing + (SPLAT(0.0) * plus + SPLAT(0.0) * minus);
        }
    return NAME(most)(most) + NAME(entries)(nothing);
}

/* Simplified Newton steps, until what they leave is `solved` at the rate at which they become shorter. */
TARGET static int64_t NAME(settle)(const log_descent *d, const workspace *w, const newton_limits *limits, const stride *s)
{
    double r[NODES], last = INFINITY;
    for (int j = 0; j < NODES; j++) r[j] = s->level + s->slope * (s->over->steps * s->over->nodes[j]);
    NAME(assemble)(d, w, r, s->over);
    NAME(factorise)(d, w);
    NAME(pace)(d, w, NODES, s->states, s->rate, r, s->slope / 2, s->pace);
    for (int64_t taken = 0; taken < limits->most; taken++) {
        const double size = NAME(improve)(d, w, s, r);
        if (!(size < limits->farthest && size < 2 * last)) return 0;
        NAME(pace)(d, w, NODES, s->states, s->rate, r, s->slope / 2, s->pace);
        if (size <= limits->solved) return 1;
        last = size;
    }
    return 0;
}

/* (1 + pairs·rT(2 − rT))⁻¹·change, by LDLᵀ of a matrix with two diagonals below: whether that is positive definite. */
static int64_t NAME(slowed)(const log_descent *d, const workspace *w, const double *change, double r, double pairs, double *x)
{
    const double *const a = w->diagonal, *const b = w->below;
    double *const pivots = w->pivots, *const one = w->lower, *const two = w->lower + d->ranks;
    for (int64_t k = 0; k < d->rank; k++) {
        const double previous = k > 0 ? b[k - 1] : 0.0, here = b[k], next = k + 1 < d->rank ? a[k + 1] : 0.0;
        const double further = k + 1 < d->rank ? b[k + 1] : 0.0;
        double pivot = 1 + pairs * (2 * r * a[k] - r * r * (a[k] * a[k] + here * here + previous * previous));
        double beside = pairs * (2 * r * here - r * r * here * (a[k] + next)), value = change[k];
        if (k > 0) {
            pivot -= one[k - 1] * one[k - 1] * pivots[k - 1];
            beside -= two[k - 1] * one[k - 1] * pivots[k - 1];
            value -= one[k - 1] * x[k - 1];
        }
        if (k > 1) {
            pivot -= two[k - 2] * two[k - 2] * pivots[k - 2];
            value -= two[k - 2] * x[k - 2];
        }
        if (!(pivot > 0)) return 0;
        pivots[k] = pivot;
        one[k] = beside / pivot;
        two[k] = -pairs * r * r * here * further / pivot;
        x[k] = value;
    }
    for (int64_t k = d->rank - 1; k >= 0; k--) {
        x[k] /= pivots[k];
        if (k + 1 < d->rank) x[k] -= one[k] * x[k + 1];
        if (k + 2 < d->rank) x[k] -= two[k] * x[k + 2];
    }
    return 1;
}

/* What the modes keep of an error that moves a run along its way: the sums of what r at the start leaves, and of the rest of
 * it what r at the end does. `residual` has it; `moves` gets it. Whether there is an answer. */
TARGET static int64_t NAME(forget)(const log_descent *d, const workspace *w, const stride *s)
{
    const int64_t ranks = d->ranks;
    double *const seen = w->residual + ranks, *const kept = w->moves + ranks, *const rest = w->moves + 2 * ranks;
    const double end = s->level + s->slope * s->over->steps;
    memset(seen, 0, sizeof(double) * ranks);
    memset(w->moves, 0, sizeof(double) * NODES * ranks);
    NAME(sum)(w->turn, ranks, 0, d->rank, w->residual, seen, 0, ranks);
    if (!NAME(slowed)(d, w, seen, s->level, s->over->steps, kept)) return 0;
    if (end > s->level) {
        for (int64_t k = 0; k < d->rank; k++) seen[k] -= kept[k];
        if (!NAME(slowed)(d, w, seen, end, s->over->steps, rest)) return 0;
        for (int64_t k = 0; k < d->rank; k++) kept[k] += rest[k];
    }
    NAME(sum)(w->turned, ranks, 0, d->rank, kept, w->moves, 0, ranks);
    return 1;
}

/* To first order what the quadratics of the pace miss: `moved`, by which each β of the limit may be off, the length of that,
 * and the most of it in Σx, ∞ where that is not bounded. */
TARGET static void NAME(drift)(const log_descent *d, const workspace *w, stride *s)
{
    const int64_t dims = d->dims, entries = 2 * dims;
    double r[NODES], most_size = s->rate * (s->level + s->slope * s->over->steps);
    step_sums over = *s->over;
    for (int j = 0; j < NODES; j++) r[j] = s->level + s->slope * (over.steps * over.checks[j]);
    NAME(combined)(d, over.to_checks, s->pace, s->start, w->checked);
    NAME(pace)(d, w, NODES, w->checked, s->rate, r, s->slope / 2, w->paces);
    NAME(combined)(d, over.at_checks, s->pace, NULL, w->checked);
    double *const both = w->then, *const apart = w->then + dims, *const outside = w->then + 2 * dims;
    for (int64_t i = 0; i < dims; i += V) {
        vec plus = SPLAT(0.0), minus = SPLAT(0.0);
        for (int j = 0; j < NODES; j++) {
            const int64_t up = j * entries + i, down = up + dims;
            plus = FMA(SPLAT(over.missed[j]), LOAD(w->paces + up) - LOAD(w->checked + up), plus);
            minus = FMA(SPLAT(over.missed[j]), LOAD(w->paces + down) - LOAD(w->checked + down), minus);
        }
        STORE(both + i, plus + minus);
        STORE(apart + i, minus - plus);
    }
    NAME(inside)(d, 1, apart, w->residual);
    for (int64_t k = 0; k < d->ranks; k += V) STORE(w->residual + k, LOAD(w->residual + k) * LOAD(d->shares + k));
    NAME(outside)(d, 1, w->residual, outside);
    if (!NAME(forget)(d, w, s)) {
        s->distance = s->along = INFINITY;
        return;
    }
    NAME(outside)(d, 1, w->moves, w->ahead);
    NAME(square_roots)(d, w, 1, s->start);
    NAME(step)(d, w, 1, &most_size, w->x);
    vec most = SPLAT(0.0), nothing = SPLAT(0.0);
    for (int64_t i = 0; i < dims; i += V) {
        const vec advance = SPLAT(0.5) * NAME(size)(LOAD(w->ahead + i));
        const vec x = -NAME(log_of_one_plus)(-NAME(size)(LOAD(w->x + i)));
        const vec shrinkage = FMA(SPLAT(2.0) * x, advance, NAME(size)(LOAD(both + i)));
        const vec asymmetry = NAME(size)(LOAD(apart + i) - LOAD(outside + i));
        STORE(s->moved + i, FMA(LOAD(s->limit + i), shrinkage, LOAD(s->limit + dims + i) * asymmetry));
        most = NAME(larger)(advance, most);
        nothing = nothing + SPLAT(0.0) * advance;
    }
    s->along = NAME(most)(most) + NAME(entries)(nothing);
    s->distance = sqrt(NAME(square)(s->moved, dims));
}

/* What the steps beyond the last node do: ηL·max(1, max|β|/c), and the largest x of the next one. */
TARGET static void NAME(rest)(const log_descent *d, const workspace *w, stride *s)
{
    vec ratio = SPLAT(1.0), most = SPLAT(0.0), nothing = SPLAT(0.0);
    const double one = 1.0;
    NAME(square_roots)(d, w, 1, s->states + 2 * (NODES - 1) * d->dims);
    NAME(step)(d, w, 1, &one, w->x);
    for (int64_t i = 0; i < d->dims; i += V) {
        const vec here = LOAD(s->limit + i) / (LOAD(w->plus + i) + LOAD(w->minus + i)), x = LOAD(w->x + i);
        ratio = NAME(larger)(here, ratio);
        most = NAME(larger)(NAME(size)(x), most);
        nothing = nothing + SPLAT(0.0) * (x + here);
    }
    s->least = s->rate / 4 * NAME(square)(w->residual, d->ranks) * NAME(most)(ratio);
    s->step = s->rate * NAME(most)(most) + NAME(entries)(nothing);
}

TARGET static int64_t NAME(stride)(const log_descent *d, const newton_limits *limits, stride *s)
{
    const workspace w = carved(d);
    if (!NAME(foresee)(d, &w, limits, s)) return 0;
    NAME(gram)(d, &w, s);
    NAME(reduce)(d, &w);
    if (!NAME(is_stable)(d, &w, s->level + s->slope * (s->over->steps * s->over->nodes[NODES - 1]))) return 0;
    if (!NAME(settle)(d, &w, limits, s)) return 0;
    NAME(drift)(d, &w, s);
    NAME(rest)(d, &w, s);
    memcpy(s->modes, w.diagonal, sizeof(double) * d->ranks);
    memcpy(s->modes + d->ranks, w.below, sizeof(double) * d->ranks);
    return 1;
}

#undef BLOCK
