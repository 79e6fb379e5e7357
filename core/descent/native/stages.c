/* What strides over many steps of descent on the squared model are made of (core/completion/stages.py), in portable C.
 *
 * In p = ln|u±| two steps add ln(1 ∓ x) each, x = rate·r·root(rootᵀβ − target). The body, stages_body.h, is compiled
 * once for every instruction set (isa.h), and all that fuse give the same bits.
 * Compile with -ffp-contract=off: nothing is to be fused but what says so.
 */
#include <math.h>

#include "common.h"

enum { NODES = 3 };

/* Rows have `dims` entries: dim, padded with zeros to a multiple of WIDEST. */
typedef struct {
    int64_t dim, dims, rank; /* rank: a multiple of ROWS, the last rows zeros */
    const double *root;      /* its transpose, (rank, dims) */
    const double *target;    /* (rank) */
    double *work;            /* stepbias_stages_work(dims, rank) doubles */
} log_descent;

/* How two steps act on p near some state: the matrix T, η times the Gram matrix in tridiagonal form, and the weights with
 * which a change of p is seen. Two steps at r lower what is seen by rT(2 − rT) of itself. */
typedef struct {
    const double *diagonal;   /* (rank) */
    const double *below;      /* T_(k+1)k, (rank); the last is 0 */
    const double *directions; /* their transpose, (rank, dims) */
    const double *slopes;     /* (2, dims) */
} log_modes;

/* Two steps each from several states, the first at r times the full size, the second at r + rise. */
typedef struct {
    double rate, rise;
    const double *r; /* (node) */
} pair_sizes;

/* When Newton's steps are over: where what is missing is `solved`, or any is beyond `farthest`, or after `most`. */
typedef struct {
    double solved, farthest;
    int64_t most;
} newton_limits;

enum {
    REACH = 3 * NODES - 1, /* unknowns (mode, node) are as far apart as this where an equation has both: T² has two neighbours */
    WIDTH = 3 * REACH + 1  /* and further by rows that change places */
};

/* Vectors of `work` of dims entries: p and its pace at the start and the nodes, moves of it, scratch; then vectors of rank
 * entries: what is seen of changes, residuals, the solution, and the equations. */
enum { START = 0, STATES = 2, PACE = STATES + 2 * NODES, MOVED = PACE + 2 * NODES, SCRATCH = MOVED + NODES, WORK = SCRATCH + 4 };
enum {
    SOLUTION = 0,
    RESIDUALS = SOLUTION + NODES,
    PIVOTS = RESIDUALS + 1,
    LOWER = PIVOTS + NODES,
    EQUATIONS = LOWER + NODES * REACH,
    SEEN = EQUATIONS + NODES * WIDTH, /* the last one, with 2·REACH zeros behind it */
    MODES = SEEN + NODES
};

#define BODY "stages_body.h"
#include "isa.h"

#define PACES(isa) pace_##isa,
static void (*const pace_by[])(const log_descent *, const pair_sizes *, int64_t) = {SETS(PACES)};
#define SETTLED(isa) settled_##isa,
static int64_t (*const settled_by[])(const log_descent *, const log_modes *, const pair_sizes *, const double *,
                                     const newton_limits *) = {SETS(SETTLED)};

EXPORT int64_t stepbias_stages_layout(void)
{
    return (int64_t)(((sizeof(log_descent) * 1000 + sizeof(log_modes)) * 1000 + sizeof(pair_sizes)) * 1000 +
                     sizeof(newton_limits));
}

EXPORT int64_t stepbias_stages_work(int64_t dims, int64_t rank) { return WORK * dims + MODES * rank + 2 * REACH; }

/* Rows of `dim` entries into padded ones, and back. */
static void padded(const log_descent *d, const double *rows, int64_t count, double *out)
{
    for (int64_t k = 0; k < count; k++)
        for (int64_t i = 0; i < d->dims; i++) out[k * d->dims + i] = i < d->dim ? rows[k * d->dim + i] : 0.0;
}

static void cut(const log_descent *d, const double *rows, int64_t count, double *out)
{
    for (int64_t k = 0; k < count; k++)
        for (int64_t i = 0; i < d->dim; i++) out[k * d->dim + i] = rows[k * d->dims + i];
}

/* What two steps add to p, (node, 2, dim), for up to NODES states. */
EXPORT void stepbias_pace(int64_t which, const log_descent *d, const pair_sizes *sizes, int64_t nodes, const double *logs,
                          double *out)
{
    padded(d, logs, 2 * nodes, d->work + STATES * d->dims);
    pace_by[which](d, sizes, nodes);
    cut(d, d->work + PACE * d->dims, 2 * nodes, out);
}

/* Of a stretch of steps from `start` p at its nodes, begun at `states` and left there, and the pace there; `weights` are
 * those of the paces in the sums up to each node. Whether Newton's steps settle. */
EXPORT int64_t stepbias_settled(int64_t which, const log_descent *d, const log_modes *modes, const pair_sizes *sizes,
                                const double *weights, const newton_limits *limits, const double *start, double *states,
                                double *pace)
{
    padded(d, start, 2, d->work + START * d->dims);
    padded(d, states, 2 * NODES, d->work + STATES * d->dims);
    const int64_t settled = settled_by[which](d, modes, sizes, weights, limits);
    cut(d, d->work + STATES * d->dims, 2 * NODES, states);
    cut(d, d->work + PACE * d->dims, 2 * NODES, pace);
    return settled;
}
