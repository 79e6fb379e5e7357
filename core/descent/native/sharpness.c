/* The largest eigenvalue of the Hessian of the loss at the states of many lanes: core/stability/davidson.py in portable C.
 *
 * Every lane has a search of its own; where it pays, the products with F that several need next are made together, each
 * sum in the order in which it is made for one alone. The loss is ‖Fβ − t‖²/2 with a factor F that
 * has no more rows than columns: what core/descent/native/sharpness.py makes of X and y. The Hessian is AᵀFᵀFA + diag(b) with
 * A = [diag(a_1) diag(a_2)], for every network: of UV's four parts, two at a time have the same b, and only the length
 * of their two slopes counts, because what is orthogonal to them has the eigenvalue b.
 *
 * The body, sharpness_body.h, is compiled once for every instruction set (isa.h), and all that fuse give the same bits
 * (vectors.h).
 * Compile with -ffp-contract=off: nothing is to be fused but what says so.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "common.h"

enum { FULL = 12 };    /* dimension at which a space is thinned */
enum { KEPT = 4 };     /* Ritz vectors that are left of it */
enum { MOST_PRODUCTS = 1000 };
enum { MOST_TOGETHER = 4 }; /* lanes whose products are made together */
enum { MOST_SWEEPS = 60 }; /* of the QL iteration for one eigenvalue: two are usual */

#define SHIFT 1e-5       /* as in core/stability/davidson.py */
#define NEGLIGIBLE 1e-14 /* as there */
#define CALM 1e-2        /* ‖Hv − λv‖/‖H‖ of what is nearly an eigenpair */
#define ALONE 1e-6       /* a coordinate of less slope is taken for an eigenvector: an error of the order of its square */
#define CANCELLED 1e-2   /* orthogonalisation that leaves less than this is done twice */

/* The loss ‖Fβ − t‖²/2. Rows of F have `dims` entries: dim, padded with zeros to a multiple of WIDEST. */
typedef struct {
    int64_t rows, dim, dims; /* rows: a multiple of ROWS, the last ones zeros */
    int64_t network, depth;
    int64_t exponent;      /* the eigenvalues of the loss are 4^exponent times those of the factor */
    int64_t trapezoidal;   /* whether row i of F is zero before column i */
    double tolerance;      /* ‖Hv − λv‖/‖H‖ at which λ is settled */
    const double *factor;  /* F, (row, dims) */
    const double *target;  /* t, (row) */
    const double *ones;    /* Fᵀ of what makes it Xᵀ·1, up to a factor, (dims) */
    const double *everywhere; /* of the start vector, beside Φ·1 of length 1: with no entry near zero, (2, dims) */
    double *work;          /* stepbias_sharpness_work(dims) doubles, a part for each lane that is looked at */
} factored_loss;

/* Vectors of the part of `work` that a lane has, in units of `dims`. */
enum {
    BASIS = 0,                     /* Q: FULL rows of 2 */
    IMAGES = BASIS + 2 * FULL,     /* HQ */
    SLOPES = IMAGES + 2 * FULL,    /* a */
    DIAGONAL = SLOPES + 2,         /* b */
    RESIDUAL = DIAGONAL + 2,       /* Hv − θv, and the direction that is made of it */
    MOVED = RESIDUAL + 2,          /* A·v, and β */
    GRADIENT = MOVED + 1,          /* FᵀFAv, and the gradient in β */
    PARTS_OF_THETA = GRADIENT + 1,
    WORK = PARTS_OF_THETA + 4
};

/* x·2^k for any k: no power that is used lies outside the range of doubles, and none overflows where the result does not. */
typedef struct {
    double half, other;
} power_of_two;

static power_of_two power_of(int64_t k)
{
    if (k > 2000) k = 2000;
    if (k < -2000) k = -2000;
    return (power_of_two){ldexp(1.0, (int)(k / 2)), ldexp(1.0, (int)(k - k / 2))};
}

static int exponent_of(double x)
{
    int exponent;
    (void)frexp(x, &exponent);
    return exponent;
}

#define BODY "sharpness_body.h"
#include "isa.h"

#define SHARPNESS(isa) sharpness_##isa,
static void (*const sharpness_by[])(const factored_loss *, const double *, int64_t, double *) = {SETS(SHARPNESS)};

EXPORT int64_t stepbias_sharpness_layout(void) { return (int64_t)sizeof(factored_loss); }

/* Doubles of `work`. */
EXPORT int64_t stepbias_sharpness_work(int64_t dims) { return MOST_TOGETHER * WORK * dims; }

/* λ_max at every lane of θ, (part, lane, dim); NaN where it is not finite. */
EXPORT void stepbias_sharpness(int64_t which, const factored_loss *f, const double *theta, int64_t lanes, double *out)
{
    sharpness_by[which](f, theta, lanes, out);
}
