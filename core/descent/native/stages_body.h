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

/* The inverses of δ_ij + W_ij·z·lag_j of every mode, and its lags r(2 − rz), a row of all modes for each of them. */
TARGET static void NAME(invert)(const log_descent *d, const double *z, const double *r, const double *weights)
{
    double *const inverse = d->work + WORK * d->dims + INVERSE * d->rank;
    double *const lag = d->work + WORK * d->dims + LAG * d->rank;
    for (int64_t k = 0; k < d->rank; k++) {
        double m[NODES][NODES];
        for (int j = 0; j < NODES; j++) {
            lag[j * d->rank + k] = r[j] * (2 - r[j] * z[k]);
            for (int i = 0; i < NODES; i++) m[i][j] = (i == j) + weights[i * NODES + j] * z[k] * lag[j * d->rank + k];
        }
        double minor[NODES][NODES];
        for (int i = 0; i < NODES; i++)
            for (int j = 0; j < NODES; j++) {
                const int a = (i + 1) % NODES, b = (i + 2) % NODES, e = (j + 1) % NODES, f = (j + 2) % NODES;
                minor[i][j] = m[a][e] * m[b][f] - m[a][f] * m[b][e];
            }
        const double determinant = m[0][0] * minor[0][0] + m[0][1] * minor[0][1] + m[0][2] * minor[0][2];
        for (int i = 0; i < NODES; i++)
            for (int j = 0; j < NODES; j++) inverse[(i * NODES + j) * d->rank + k] = minor[j][i] / determinant;
    }
}

/* What the states lack of the sums of their paces goes to PACE, and what the modes see of it is solved; then the states
 * are moved by both. Returns the largest move, NaN if one is. */
TARGET static double NAME(improve)(const log_descent *d, const log_modes *modes, const double *weights)
{
    const int64_t dims = d->dims, rank = d->rank;
    double *const start = d->work + START * dims, *const states = d->work + STATES * dims;
    double *const missing = d->work + PACE * dims, *const moved = d->work + MOVED * dims;
    double *const of_modes = d->work + WORK * dims;
    double *const seen = of_modes + SEEN * rank, *const solution = of_modes + SOLUTION * rank;
    const double *const inverse = of_modes + INVERSE * rank, *const lag = of_modes + LAG * rank;
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
        for (int64_t k = 0; k < rank; k += ROWS)
            NAME(dots)(ROWS, modes->directions + k * dims, dims, moved + j * dims, 0, dims, seen + j * rank + k);
    }
    for (int64_t k = 0; k < rank; k++) {
        double solved[NODES];
        for (int i = 0; i < NODES; i++) {
            double sum = 0.0;
            for (int j = 0; j < NODES; j++) sum += inverse[(i * NODES + j) * rank + k] * seen[j * rank + k];
            solved[i] = lag[i * rank + k] * sum;
        }
        for (int i = 0; i < NODES; i++) {
            double sum = 0.0;
            for (int j = 0; j < NODES; j++) sum += weights[i * NODES + j] * solved[j];
            solution[i * rank + k] = sum;
        }
    }
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
    NAME(invert)(d, modes->z, sizes->r, weights);
    NAME(pace)(d, sizes, NODES);
    for (int64_t taken = 0; taken < limits->most; taken++) {
        const double size = NAME(improve)(d, modes, weights);
        if (!(size < limits->farthest && size < 2 * last)) return 0;
        NAME(pace)(d, sizes, NODES);
        if (size <= limits->solved) return 1;
        last = size;
    }
    return 0;
}
