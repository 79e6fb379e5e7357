/* The equations of strides, for one instruction set: the body that stages.c gives to isa.h. */
#include "vectors.h"
#include "exponentials.h"

/* x of the next step from squares q±, up to the sign: (rate·r)·root(rootᵀ(q₊ − q₋) − target). */
TARGET static void NAME(step)(const log_descent *d, const double *plus, const double *minus, double size, double *x)
{
    double *const difference = d->work + (SCRATCH + 3) * d->dims;
    double *const residual = d->work + WORK * d->dims + RESIDUALS * d->rank;
    for (int64_t i = 0; i < d->dims; i += V) {
        STORE(difference + i, LOAD(plus + i) - LOAD(minus + i));
        STORE(x + i, (vec){0});
    }
    for (int64_t k = 0; k < d->rank; k += ROWS)
        NAME(dots)(ROWS, d->root + k * d->dims, d->dims, difference, 0, d->dims, residual + k);
    for (int64_t k = 0; k < d->rank; k++) residual[k] = size * (residual[k] - d->target[k]);
    for (int64_t k = 0; k < d->rank; k += ROWS)
        NAME(combine)(ROWS, d->root + k * d->dims, d->dims, residual + k, 0, d->dims, x);
}

/* A factor of u±, or NaN if it is none. */
TARGET INLINE vec NAME(positive)(vec factor)
{
    return NAME(chosen)((NAME(bits))(factor > SPLAT(0.0)), factor, SPLAT(NAN));
}

/* PACE of STATES: ln((1 ∓ x)(1 ∓ x')) of two steps; NaN where a factor is not positive, after the first step everywhere. */
TARGET static void NAME(pace)(const log_descent *d, const pair_sizes *sizes, int64_t nodes)
{
    const int64_t dims = d->dims;
    double *const plus = d->work + SCRATCH * dims, *const minus = plus + dims, *const x = plus + 2 * dims;
    for (int64_t node = 0; node < nodes; node++) {
        const double *const logs = d->work + (STATES + 2 * node) * dims;
        double *const pace = d->work + (PACE + 2 * node) * dims, *const then = pace + dims;
        const vec one = SPLAT(1.0), two = SPLAT(2.0);
        for (int64_t i = 0; i < dims; i += V) {
            STORE(plus + i, NAME(exponential)(two * LOAD(logs + i)));
            STORE(minus + i, NAME(exponential)(two * LOAD(logs + dims + i)));
        }
        NAME(step)(d, plus, minus, sizes->rate * sizes->r[node], x);
        for (int64_t i = 0; i < dims; i += V) {
            const vec up = NAME(positive)(one - LOAD(x + i)), down = NAME(positive)(one + LOAD(x + i));
            STORE(plus + i, LOAD(plus + i) * up * up);
            STORE(minus + i, LOAD(minus + i) * down * down);
        }
        NAME(step)(d, plus, minus, sizes->rate * (sizes->r[node] + sizes->rise), then);
        for (int64_t i = 0; i < dims; i += V) {
            const vec a = LOAD(x + i), b = LOAD(then + i), both = a + b, product = a * b;
            const NAME(bits) up = (NAME(bits))(b < one), down = (NAME(bits))(-b < one);
            STORE(pace + i, NAME(log_of_one_plus)(NAME(chosen)(up, product - both, SPLAT(NAN))));
            STORE(then + i, NAME(log_of_one_plus)(NAME(chosen)(down, product + both, SPLAT(NAN))));
        }
    }
}

/* The equations δ_ij + W_ij·r_j·T(2 − r_jT) of all modes and nodes, in a band: row i has the columns from i − REACH on. */
TARGET static void NAME(assemble)(const log_descent *d, const log_modes *modes, const double *r, const double *weights)
{
    double *const band = d->work + WORK * d->dims + EQUATIONS * d->rank;
    const double *const a = modes->diagonal, *const b = modes->below;
    for (int64_t i = 0; i < NODES * WIDTH * d->rank; i++) band[i] = 0.0;
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
                    const double entry = weights[i * NODES + j] * (r[j] * (2 * first - r[j] * square));
                    const int64_t row = k * NODES + i;
                    band[row * WIDTH + m * NODES + j - row + REACH] = entry + (k == m && i == j);
                }
        }
}

/* LU with partial pivoting: the upper factor stays in the band, the multipliers of each column go to LOWER, and to PIVOTS
 * the row that came to its place. */
TARGET static void NAME(factorise)(const log_descent *d)
{
    double *const of_modes = d->work + WORK * d->dims;
    double *const band = of_modes + EQUATIONS * d->rank, *const pivots = of_modes + PIVOTS * d->rank;
    const int64_t size = NODES * d->rank;
    for (int64_t c = 0; c < size; c++) {
        double *const lower = of_modes + LOWER * d->rank + c * REACH;
        const int64_t left = REACH < size - 1 - c ? REACH : size - 1 - c;
        double *const row = band + c * WIDTH + REACH;
        int64_t pivot = 0;
        for (int64_t i = 1; i <= left; i++)
            if (fabs(row[i * (WIDTH - 1)]) > fabs(row[pivot * (WIDTH - 1)])) pivot = i;
        pivots[c] = (double)(c + pivot);
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

/* SEEN, in the order (mode, node), becomes the solution. */
TARGET static void NAME(solve)(const log_descent *d)
{
    double *const of_modes = d->work + WORK * d->dims, *const x = of_modes + SEEN * d->rank;
    const double *const band = of_modes + EQUATIONS * d->rank, *const pivots = of_modes + PIVOTS * d->rank;
    const int64_t size = NODES * d->rank;
    for (int64_t i = size; i < size + 2 * REACH; i++) x[i] = 0.0;
    for (int64_t c = 0; c < size; c++) {
        const double *const lower = of_modes + LOWER * d->rank + c * REACH;
        const int64_t pivot = (int64_t)pivots[c];
        const double value = x[pivot];
        x[pivot] = x[c];
        x[c] = value;
#pragma GCC unroll 8
        for (int j = 0; j < REACH; j += V) STORE(x + c + 1 + j, FMA(SPLAT(-value), LOAD(lower + j), LOAD(x + c + 1 + j)));
    }
    for (int64_t c = size - 1; c >= 0; c--) {
        const double *const row = band + c * WIDTH + REACH;
        double sum;
        NAME(dots)(1, row + 1, WIDTH, x + c + 1, 0, 2 * REACH, &sum);
        x[c] = (x[c] - sum) / row[0];
    }
}

/* Of what the modes see of the changes at the nodes, in SEEN as (mode, node), what the paces move, in SOLUTION as (node,
 * mode): the sums of lag·y by the weights, lag = r(2 − rT) and y the solution of the equations. */
TARGET static void NAME(resolve)(const log_descent *d, const log_modes *modes, const double *r, const double *weights)
{
    double *const seen = d->work + WORK * d->dims + SEEN * d->rank;
    double *const solution = d->work + WORK * d->dims + SOLUTION * d->rank;
    const double *const a = modes->diagonal, *const b = modes->below;
    NAME(solve)(d);
    for (int64_t k = 0; k < d->rank; k++) {
        double moved[NODES];
        for (int j = 0; j < NODES; j++) {
            const double here = seen[k * NODES + j];
            double image = a[k] * here;
            if (k > 0) image += b[k - 1] * seen[(k - 1) * NODES + j];
            if (k + 1 < d->rank) image += b[k] * seen[(k + 1) * NODES + j];
            moved[j] = r[j] * (2 * here - r[j] * image);
        }
        for (int i = 0; i < NODES; i++) {
            double sum = 0.0;
            for (int j = 0; j < NODES; j++) sum += weights[i * NODES + j] * moved[j];
            solution[i * d->rank + k] = sum;
        }
    }
}

/* What the states lack of the sums of their paces goes to PACE, and what the modes see of it is solved; then the states
 * are moved by both. Returns the largest move, NaN if one is. */
TARGET static double NAME(improve)(const log_descent *d, const log_modes *modes, const double *r, const double *weights)
{
    const int64_t dims = d->dims, rank = d->rank;
    double *const start = d->work + START * dims, *const states = d->work + STATES * dims;
    double *const missing = d->work + PACE * dims, *const moved = d->work + MOVED * dims;
    double *const of_modes = d->work + WORK * dims;
    double *const seen = of_modes + SEEN * rank, *const solution = of_modes + SOLUTION * rank;
    for (int64_t i = 0; i < 2 * dims; i += V) {
        vec pace[NODES];
        for (int j = 0; j < NODES; j++) pace[j] = LOAD(missing + 2 * j * dims + i);
        for (int j = 0; j < NODES; j++) {
            vec sum = LOAD(start + i) - LOAD(states + 2 * j * dims + i);
            for (int l = 0; l < NODES; l++) sum = FMA(SPLAT(weights[j * NODES + l]), pace[l], sum);
            STORE(missing + 2 * j * dims + i, sum);
        }
    }
    for (int j = 0; j < NODES; j++) {
        const double *const change = missing + 2 * j * dims;
        for (int64_t i = 0; i < dims; i += V)
            STORE(moved + j * dims + i, FMA(LOAD(modes->slopes + dims + i), LOAD(change + dims + i),
                                            LOAD(modes->slopes + i) * LOAD(change + i)));
        for (int64_t k = 0; k < rank; k += ROWS) {
            double of_rows[ROWS];
            NAME(dots)(ROWS, modes->directions + k * dims, dims, moved + j * dims, 0, dims, of_rows);
            for (int row = 0; row < ROWS; row++) seen[(k + row) * NODES + j] = of_rows[row];
        }
    }
    NAME(resolve)(d, modes, r, weights);
    double most = 0.0, nothing = 0.0;
    for (int j = 0; j < NODES; j++) {
        double *const state = states + 2 * j * dims, *const move = moved + j * dims;
        const double *const change = missing + 2 * j * dims;
        for (int64_t i = 0; i < dims; i += V) STORE(move + i, (vec){0});
        for (int64_t k = 0; k < rank; k += ROWS)
            NAME(combine)(ROWS, modes->directions + k * dims, dims, solution + j * rank + k, 0, dims, move);
        for (int64_t i = 0; i < dims; i++) {
            const double plus = change[i] - move[i], minus = change[dims + i] + move[i];
            state[i] += plus;
            state[dims + i] += minus;
            most = fabs(plus) > most ? fabs(plus) : most;
            most = fabs(minus) > most ? fabs(minus) : most;
            nothing += 0.0 * plus + 0.0 * minus;
        }
    }
    return most + nothing;
}

/* Simplified Newton steps, until what they leave is `solved` at the rate at which they become shorter. */
TARGET static int64_t NAME(settled)(const log_descent *d, const log_modes *modes, const pair_sizes *sizes,
                                    const double *weights, const newton_limits *limits)
{
    double last = INFINITY;
    NAME(assemble)(d, modes, sizes->r, weights);
    NAME(factorise)(d);
    NAME(pace)(d, sizes, NODES);
    for (int64_t taken = 0; taken < limits->most; taken++) {
        const double size = NAME(improve)(d, modes, sizes->r, weights);
        if (!(size < limits->farthest && size < 2 * last)) return 0;
        NAME(pace)(d, sizes, NODES);
        if (size <= limits->solved) return taken + 1;
        last = size;
    }
    return 0;
}
