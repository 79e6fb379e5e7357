/* Gradient descent on many runs ("lanes") at once: the step of core/descent/numpy_descent.py in portable C.
 *
 * The body, descent_body.h, is compiled once for every instruction set (isa.h), and the best one that the machine has is
 * chosen at run time. A product sums over k in ascending order, one fused multiply-add each, in an accumulator of its
 * own for every lane and row: so the bits of a lane depend on nothing but the lane, neither on what else is in the batch
 * nor on how lanes and rows are grouped, and they are the same for every instruction set that fuses.
 * Compile with -ffp-contract=off: nothing is to be fused but what says so.
 */
#include "common.h"

#include <math.h>

enum { VERSION = 3 }; /* that of library.py: part of the kernel id */
enum { PLAIN, SCALED, MOVED };
enum {
    DEEPEST = 256,            /* k of a block: its vectors of X and the entries of its lanes stay in first-level cache */
    RESIDENT_BYTES = 1 << 18, /* up to this X stays in the second-level cache, and few lanes at a time take many steps: */
    MOST_RESIDENT = 16,       /* so many, whose entries stay in the first-level cache */
    MOST_PASSING = 128,       /* lanes that pass a larger X together: their entries of a block stay in that cache */
    STRIP_BYTES = 1 << 19,    /* of a strip of X in tiles, which is to be in that cache when it is read again */
    MOST_ROWS = 32,           /* of it */
    GATHERED = 16,            /* rows of a minibatch that are read together */
    FEWER = 4                 /* times as many as in a minibatch the samples must be, for its rows to be read alone */
};

/* Which of the samples; noted in place of doubles. */
typedef int64_t __attribute__((may_alias)) ordinal;
enum { END = -1 };

/* The arrays of a batch. Rows of `theta`, `velocity`, `predictor` and `gradient` have `dims` entries, those of
 * `residual`, `residual_sum`, `shift` and `weight` `rows`: dim and samples, padded with zeros to multiples of WIDEST. */
typedef struct {
    int64_t samples, dim, lanes, rows, dims;
    int64_t network, depth;
    const double *by_sample; /* X packed with samples as the entries of a vector, k over dim: see pack() */
    const double *by_dim;    /* Xᵀ packed, k over samples */
    const double *tiles;     /* X in tiles, or NULL: in place of both where lanes are few, beside them for minibatches */
    const double *minus_targets; /* −y, `rows` entries */
    double *theta;           /* (part, lane, dims) */
    double *velocity;        /* as theta, or NULL without momentum */
    double *residual_sum;    /* (lane, rows): Σ_t of the residuals times their coefficients */
    double *predictor;       /* (lane, dims) */
    double *residual;        /* (lane, rows) */
    double *gradient;        /* (lane, dims): x = Xᵀr, r scaled by its coefficient */
    int64_t nesterov;        /* whether θ is where the velocity has led already */
    /* Of ascents, NULL without: */
    double *ascent;          /* (3, lane, dims): z of θ̃ = θ ± ∂∘z; of 1-SAM moments: c, b and a of ascent_body.h */
    double *second;          /* (2, lane, dims): what is added to a step beside x */
    double *curvature;       /* (lane, rows): Σ_i c_i x_ki², then p_k·r̃_k */
    double *cubic;           /* (2, lane, rows): Σ_i b_i x_ki³, then p_k²·r̃_k; Σ_i a_i x_ki⁴ */
    /* X to powers, as by_sample and by_dim, or NULL: */
    const double *squares_by_sample, *cubes_by_sample, *fourths_by_sample, *squares_by_dim, *cubes_by_dim;
    double *predictor_sum;   /* (lane, dims): Σ_t of β times the coefficients, or NULL */
    double *weight_sum;      /* (lane): Σ_t of the coefficients, or NULL */
} batch;

/* A stretch of steps. Row t of an array is at t·stride; a stride of 0 repeats one row. */
typedef struct {
    int64_t steps;
    const double *coefficients; /* (step, lane): rate·η_t/N */
    int64_t coefficient_stride;
    const double *kept; /* (step, lane): the part of the velocity that stays, or NULL */
    int64_t kept_stride;
    const double *shift;  /* (step, lane, rows): subtracted from the residual, or NULL */
    const double *weight; /* (step, lane, rows): multiplied with it then, or NULL */
    int64_t start;        /* step number of the first step: checks are made where it is a multiple of `interval` */
    int64_t interval;
    double *losses; /* (check, lane), written */
    /* Who is to be looked at: the stretch ends at the first check at which for some lane loss ≤ low and its step
     * number ≥ low_from, or loss ≤ calm and its step number < calm_until, or not loss ≤ high. */
    const double *low;
    const int64_t *low_from;
    const double *calm;
    const int64_t *calm_until;
    const double *high;
    int64_t alarmed; /* written: whether the last check found somebody */
    /* Weight decay, NULL without: θ is multiplied by shrink; with a velocity pull·θ is taken off what is added to it. */
    const double *shrink; /* (step, lane) */
    int64_t shrink_stride;
    const double *pull; /* (step, lane), beside shrink */
    int64_t pull_stride;
    const double *rho; /* (lane): that of the ascents to where gradients are taken, or NULL */
    int64_t by_samples, normalized; /* whether each sample has an ascent of its own, and whether its length is rho */
    const double *parameters; /* (step, part, lane, dim): added to θ where the gradient is taken, or NULL */
    int64_t parameters_step, parameters_part, parameters_lane; /* from one of its rows to the next along each axis */
    /* Where the loss grows, seen at `looks`: of each lane, what it is above `least`, at least `floor`, is compared with
     * the `lowest` since the check before; `grew_at` is the last step by which it was higher. NULL: nobody looks. */
    const double *floor;
    double *lowest;
    int64_t *grew_at;
    double least;
} stretch;


#define LEAST_RISE 2e-4 /* as in core/descent/loss_growth.py, like the next */
enum { LOOKS_APART = 4 };

/* Whether the residuals of step t are looked at; at a check the losses are. */
INLINE int is_looked_at(const stretch *s, int64_t t)
{
    const int64_t step = s->start + t;
    if (!s->grew_at) return 0;
    return step < s->interval || (step % LOOKS_APART == 0 && step % s->interval);
}

/* Note the loss that a lane has after `step` steps; one that is no number has grown. */
INLINE void look(const stretch *s, int64_t lane, int64_t step, double loss)
{
    const double above = loss - s->least < s->floor[lane] ? s->floor[lane] : loss - s->least;
    if (!(above <= (1 + LEAST_RISE) * s->lowest[lane])) s->grew_at[lane] = step;
    if (step % s->interval == 0 || above < s->lowest[lane]) s->lowest[lane] = above;
}

#define BODY "descent_body.h"
#include "isa.h"

typedef struct {
    const char *name;
    int (*is_supported)(void);
    int64_t width;
    void (*losses)(const batch *, double *);
    int64_t (*advance)(const batch *, stretch *);
} kernel;

/* Their numbers are those of SETS, as in sharpness.c. */
#define KERNEL(isa) {#isa, is_supported_##isa, WIDTH_##isa, losses_##isa, advance_##isa},
static const kernel kernels[] = {SETS(KERNEL)};

/* What a caller must agree on: a library of another source is not to be called. */
EXPORT int64_t stepbias_layout(void)
{
    return VERSION * 1000000 + (int64_t)(sizeof(batch) * 1000 + sizeof(stretch));
}

EXPORT int64_t stepbias_kernels(void) { return (int64_t)(sizeof kernels / sizeof *kernels); }

EXPORT const char *stepbias_kernel_name(int64_t which)
{
    return kernels[which].is_supported() ? kernels[which].name : NULL;
}

/* Doubles that a packed matrix takes. */
EXPORT int64_t stepbias_packed_size(int64_t which, int64_t entries, int64_t depth)
{
    const int64_t width = kernels[which].width;
    return (entries + width - 1) / width * width * depth;
}

/* Pack a row-major matrix (entry, k) so that `width` entries at one k are a vector: (vector, k, entry of the vector). */
EXPORT void stepbias_pack(int64_t which, const double *matrix, int64_t entries, int64_t depth, double *packed)
{
    const int64_t width = kernels[which].width;
    for (int64_t first = 0; first < entries; first += width)
        for (int64_t k = 0; k < depth; k++)
            for (int64_t entry = first; entry < first + width; entry++)
                *packed++ = entry < entries ? matrix[entry * depth + k] : 0.0;
}

/* L = ‖Xβ − y‖²/(2N) of every lane. */
EXPORT void stepbias_losses(int64_t which, const batch *b, double *out) { kernels[which].losses(b, out); }

/* Take the steps of a stretch; returns how many were taken. */
EXPORT int64_t stepbias_advance(int64_t which, const batch *b, stretch *s)
{
    return kernels[which].advance(b, s);
}
