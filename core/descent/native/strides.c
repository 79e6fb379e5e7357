/* A stride over many steps of descent on the squared model (core/completion/stride.py), in portable C.
 *
 * In p = ln|u±| two steps add ln(1 ∓ x) each, x = rate·r·root(rootᵀβ − target). The body, strides_body.h, is compiled
 * once for every instruction set (isa.h), and all that fuse give the same bits.
 * Compile with -ffp-contract=off: nothing is to be fused but what says so.
 */
#include <math.h>
#include <string.h>

#include "common.h"

enum { NODES = 3, MIDDLE = 1 };

/* Rows have `dims` entries, dim padded with zeros to a multiple of WIDEST, or `ranks`, rank likewise. */
typedef struct {
    int64_t dim, dims, rank, ranks;
    const double *by_rank; /* root's transpose, (ranks, dims) */
    const double *by_dim;  /* root, (dim, ranks) */
    const double *target;  /* (ranks) */
    const double *shares;  /* 1/Σ² of root = VΣ, (ranks) */
    double *work;          /* stepbias_strides_work(dims, ranks) doubles */
} log_descent;

/* The weights of values at the nodes in sums over a stretch of steps: core/completion/summation.py. */
typedef struct {
    double steps, nodes[NODES], checks[NODES];
    double coefficients[NODES][NODES], to_nodes[NODES][NODES], at_checks[NODES][NODES], to_checks[NODES][NODES];
    double missed[NODES];
} step_sums;

/* When Newton's steps are over: where what is missing is `solved`, or any is beyond `farthest`, or after `most`. */
typedef struct {
    double solved, farthest;
    int64_t most;
} newton_limits;

/* What is asked of a stride, and what is found. */
typedef struct {
    double rate, level, slope; /* the first step of pair t has r = level + slope·t, the second slope/2 more */
    int64_t continued;         /* whether a stride led here, of which are: */
    const step_sums *before;
    const double *past;        /* its paces, (NODES, 2, dims) */
    const step_sums *over;
    const double *start;       /* p, (2, dims) */
    const double *limit;       /* |β| and c of about where it leads, (2, dims) */
    double *states, *pace;     /* at the nodes, (NODES, 2, dims) */
    double *moved;             /* (dims) */
    double *modes;             /* T's diagonal and what is below it, (2, ranks) */
    double distance, along, least, step;
} stride;

enum {
    REACH = 3 * NODES - 1, /* unknowns (mode, node) are as far apart as this where an equation has both: T² has two neighbours */
    WIDTH = 3 * REACH + 1  /* and further by rows that change places */
};

/* Vectors of dims entries; then of ranks entries; then matrices. */
typedef struct {
    double *plus, *minus, *x, *then, *scratch; /* of each node */
    double *checked, *paces;                   /* p and its pace at the checks, (NODES, 2, dims) */
    double *slopes, *ahead;                    /* (2, dims), (dims) */
    double *residual, *moves;                  /* of each node */
    double *diagonal, *below, *image, *kept;   /* (ranks) */
    double *matrix, *turn, *turned;            /* (ranks, ranks): the last is the transpose of Q */
    double *pivots, *lower, *equations, *seen; /* of each mode and node; `seen` has 2·REACH zeros behind it */
} workspace;

enum {
    OF_DIMS = 5 * NODES + 4 * NODES + 3,
    OF_RANKS = 2 * NODES + 4 + NODES + NODES * REACH + NODES * WIDTH + NODES,
};

static workspace carved(const log_descent *d)
{
    double *next = d->work;
#define TAKE(count) (next += (count), next - (count))
    const int64_t dims = d->dims, ranks = d->ranks;
    workspace w;
    w.plus = TAKE(NODES * dims);
    w.minus = TAKE(NODES * dims);
    w.x = TAKE(NODES * dims);
    w.then = TAKE(NODES * dims);
    w.scratch = TAKE(NODES * dims);
    w.checked = TAKE(2 * NODES * dims);
    w.paces = TAKE(2 * NODES * dims);
    w.slopes = TAKE(2 * dims);
    w.ahead = TAKE(dims);
    w.residual = TAKE(NODES * ranks);
    w.moves = TAKE(NODES * ranks);
    w.diagonal = TAKE(ranks);
    w.below = TAKE(ranks);
    w.image = TAKE(ranks);
    w.kept = TAKE(ranks);
    w.matrix = TAKE(ranks * ranks);
    w.turn = TAKE(ranks * ranks);
    w.turned = TAKE(ranks * ranks);
    w.pivots = TAKE(NODES * ranks);
    w.lower = TAKE(NODES * REACH * ranks);
    w.equations = TAKE(NODES * WIDTH * ranks);
    w.seen = TAKE(NODES * ranks + 2 * REACH);
#undef TAKE
    return w;
}

#define BODY "strides_body.h"
#include "isa.h"

#define STRIDES(isa) stride_##isa,
static int64_t (*const stride_by[])(const log_descent *, const newton_limits *, stride *) = {SETS(STRIDES)};

EXPORT int64_t stepbias_strides_layout(void)
{
    return (int64_t)(((sizeof(log_descent) * 1000 + sizeof(step_sums)) * 1000 + sizeof(newton_limits)) * 1000 +
                     sizeof(stride));
}

EXPORT int64_t stepbias_strides_work(int64_t dims, int64_t ranks)
{
    return OF_DIMS * dims + (OF_RANKS + 3 * ranks) * ranks + 2 * REACH;
}

/* Whether Newton's steps settle, and the run is stable at the middle of the stretch. */
EXPORT int64_t stepbias_stride(int64_t which, const log_descent *d, const newton_limits *limits, stride *s)
{
    return stride_by[which](d, limits, s);
}
