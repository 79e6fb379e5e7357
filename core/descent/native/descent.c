/* Gradient descent on many runs ("lanes") at once: the step of core/descent/numpy_descent.py in portable C.
 *
 * The body, descent_body.h, is compiled once for every instruction set of the processor family, and the best one that
 * the machine has is chosen at run time. A product sums over k in ascending order, one fused multiply-add each, in an
 * accumulator of its own for every lane and row: so the bits of a lane depend on nothing but the lane, neither on its
 * company nor on how lanes and rows are grouped, and they are the same for every instruction set that fuses.
 * Compile with -ffp-contract=off: nothing is to be fused but what says so.
 */
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define EXPORT __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))

enum { VERSION = 3 }; /* that of library.py: part of the kernel id */
enum { WIDEST = 8 }; /* doubles of the widest vector: rows of all arrays are padded to a multiple of it */
enum { SQUARED, DEEP, UV };
enum { PLAIN, SCALED, MOVED };

/* The arrays of a batch. Rows of `theta`, `velocity`, `predictor` and `pull` have `dims` entries, those of `residual`,
 * `residual_sum`, `shift` and `weight` `rows`: dim and samples, padded with zeros to a multiple of WIDEST. */
typedef struct {
    int64_t samples, dim, lanes, rows, dims;
    int64_t network, depth;
    const double *by_sample; /* X packed with samples as the entries of a vector, k over dim: see pack() */
    const double *by_dim;    /* Xᵀ packed, k over samples */
    const double *minus_targets; /* −y, `rows` entries */
    double *theta;           /* (part, lane, dims) */
    double *velocity;        /* as theta, or NULL without momentum */
    double *residual_sum;    /* (lane, rows): Σ_t of the residuals times their coefficients */
    double *predictor;       /* (lane, dims) */
    double *residual;        /* (lane, rows) */
    double *pull;            /* (lane, dims): x = Xᵀr, r scaled by its coefficient */
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
} stretch;

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(stem) JOIN(stem, ISA)

#if defined(__x86_64__)

#define ISA avx512
#define V 8
#define TARGET __attribute__((target("avx512f")))
#define FMA(a, b, c) ((vec)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define SPLAT(s) ((vec)_mm512_set1_pd(s))
#define MOST_LANES 8
#define MOST_VECTORS(lanes) ((lanes) >= 7 ? 3 : (lanes) >= 5 ? 4 : (lanes) == 4 ? 6 : (lanes) == 3 ? 7 : 8)
#include "descent_body.h"

#define ISA avx2
#define V 4
#define TARGET __attribute__((target("avx2,fma")))
#define FMA(a, b, c) ((vec)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define SPLAT(s) ((vec)_mm256_set1_pd(s))
#define MOST_LANES 4
#define MOST_VECTORS(lanes) ((lanes) == 4 ? 3 : (lanes) == 3 ? 4 : (lanes) == 2 ? 6 : 8)
#include "descent_body.h"

#elif defined(__aarch64__)

#define ISA neon
#define V 2
#define TARGET
#define FMA(a, b, c) ((vec)vfmaq_f64((float64x2_t)(c), (float64x2_t)(a), (float64x2_t)(b)))
#define SPLAT(s) ((vec)vdupq_n_f64(s))
#define MOST_LANES 6
#define MOST_VECTORS(lanes) ((lanes) >= 5 ? 4 : (lanes) == 4 ? 5 : (lanes) == 3 ? 6 : 8)
#include "descent_body.h"

#endif

#define ISA baseline
#define V 2
#define TARGET
#define FMA(a, b, c) ((c) + (a) * (b))
#define SPLAT(s) ((vec){(s), (s)})
#define MOST_LANES 4
#define MOST_VECTORS(lanes) ((lanes) == 4 ? 2 : (lanes) == 3 ? 3 : (lanes) == 2 ? 4 : 8)
#include "descent_body.h"

typedef struct {
    const char *name;
    int64_t width;
    void (*losses)(const batch *, double *);
    int64_t (*advance)(const batch *, stretch *);
} kernel;

#define KERNEL(isa) {#isa, WIDTH_##isa, losses_##isa, advance_##isa}
enum { WIDTH_avx512 = 8, WIDTH_avx2 = 4, WIDTH_neon = 2, WIDTH_baseline = 2 };

/* Best first. */
static const kernel kernels[] = {
#if defined(__x86_64__)
    KERNEL(avx512),
    KERNEL(avx2),
#elif defined(__aarch64__)
    KERNEL(neon),
#endif
    KERNEL(baseline),
};

static int has(int64_t which)
{
#if defined(__x86_64__)
    if (which == 0) return __builtin_cpu_supports("avx512f") != 0;
    if (which == 1) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    (void)which;
#endif
    return 1;
}

/* What a caller must agree on: a library of another source is not to be called. */
EXPORT int64_t stepbias_layout(void)
{
    return VERSION * 1000000 + (int64_t)(sizeof(batch) * 1000 + sizeof(stretch));
}

EXPORT int64_t stepbias_kernels(void) { return (int64_t)(sizeof kernels / sizeof *kernels); }

EXPORT const char *stepbias_kernel_name(int64_t which) { return has(which) ? kernels[which].name : NULL; }

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
