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

/* LU with partial pivoting: factors stay in the band, and `pivots` has the row that came to each place. */
TARGET static void NAME(factorise)(const log_descent *d, double *pivots)
{
    double *const band = d->work + WORK * d->dims + EQUATIONS * d->rank;
    const int64_t size = NODES * d->rank;
    for (int64_t c = 0; c < size; c++) {
        const int64_t last = c + REACH < size - 1 ? c + REACH : size - 1;
        int64_t pivot = c;
        for (int64_t i = c + 1; i <= last; i++)
            if (fabs(band[i * WIDTH + c - i + REACH]) > fabs(band[pivot * WIDTH + c - pivot + REACH])) pivot = i;
        double *const row = band + c * WIDTH + REACH, *const other = band + pivot * WIDTH + c - pivot + REACH;
        pivots[c] = (double)pivot;
        if (pivot != c)
            for (int j = 0; j <= 2 * REACH; j++) {
                const double kept = row[j];
                row[j] = other[j];
                other[j] = kept;
            }
        for (int64_t i = c + 1; i <= last; i++) {
            double *const next = band + i * WIDTH + c - i + REACH;
            const double factor = next[0] / row[0];
            next[0] = factor;
            for (int j = 1; j <= 2 * REACH; j++) next[j] -= factor * row[j];
        }
    }
}

/* The solution in place of a right-hand side, whose entries are in the order (mode, node). */
TARGET static void NAME(solve)(const log_descent *d, const double *pivots, double *x)
{
    const double *const band = d->work + WORK * d->dims + EQUATIONS * d->rank;
    const int64_t size = NODES * d->rank;
    for (int64_t c = 0; c < size; c++) {
        const int64_t last = c + REACH < size - 1 ? c + REACH : size - 1, pivot = (int64_t)pivots[c];
        const double value = x[pivot];
        x[pivot] = x[c];
        x[c] = value;
        for (int64_t i = c + 1; i <= last; i++) x[i] -= band[i * WIDTH + c - i + REACH] * value;
    }
    for (int64_t c = size - 1; c >= 0; c--) {
        const double *const row = band + c * WIDTH + REACH;
        const int64_t last = size - 1 - c < 2 * REACH ? size - 1 - c : 2 * REACH;
        double sum = x[c];
        for (int64_t j = 1; j <= last; j++) sum -= row[j] * x[c + j];
        x[c] = sum / row[0];
    }
}

/* Of what the modes see of the changes at the nodes, in SEEN as (mode, node), what the paces move, in SOLUTION as (node,
 * mode): the sums of lag·y by the weights, lag = r(2 − rT) and y the solution of the equations. */
TARGET static void NAME(resolve)(const log_descent *d, const log_modes *modes, const double *r, const double *weights,
                                 const double *pivots)
{
    double *const seen = d->work + WORK * d->dims + SEEN * d->rank;
    double *const solution = d->work + WORK * d->dims + SOLUTION * d->rank;
    const double *const a = modes->diagonal, *const b = modes->below;
    NAME(solve)(d, pivots, seen);
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
TARGET static double NAME(improve)(const log_descent *d, const log_modes *modes, const double *r, const double *weights,
                                   const double *pivots)
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
    NAME(resolve)(d, modes, r, weights, pivots);
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
    double *const pivots = d->work + WORK * d->dims + PIVOTS * d->rank;
    NAME(assemble)(d, modes, sizes->r, weights);
    NAME(factorise)(d, pivots);
    NAME(pace)(d, sizes, NODES);
    for (int64_t taken = 0; taken < limits->most; taken++) {
        const double size = NAME(improve)(d, modes, sizes->r, weights, pivots);
        if (!(size < limits->farthest && size < 2 * last)) return 0;
        NAME(pace)(d, sizes, NODES);
        if (size <= limits->solved) return taken + 1;
        last = size;
    }
    return 0;
}
