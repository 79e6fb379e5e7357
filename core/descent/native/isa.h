/* Includes BODY once for every instruction set of the processor family, with
 *
 *   ISA, SUPPORTED        its name, and whether this machine has it
 *   V, TARGET             the doubles of a vector, and the attribute of its functions
 *   FMA, SPLAT, ROOT      a·b + c fused where it fuses, a number in every entry, square roots
 *   GREATER               a where a > b, else b
 *   MOST_LANES, MOST_VECTORS(lanes)
 *                         the shape of a block of a product that keeps all accumulators in registers
 *
 * A body names what it defines by NAME(stem), which is stem_ISA. SETS(of) is of(set) for every one, best first. */
#ifndef ISA

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(stem) JOIN(stem, ISA)

#define vec NAME(vec)
#define LOAD(p) (*(const vec *)(p))
#define STORE(p, v) (*(vec *)(p) = (v))

#if defined(__x86_64__)

#include <immintrin.h>
#define SETS(of) of(avx512) of(avx2) of(baseline)

#define ISA avx512
#define SUPPORTED (__builtin_cpu_supports("avx512f") != 0)
#define V 8
#define TARGET __attribute__((target("avx512f")))
#define FMA(a, b, c) ((vec)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define SPLAT(s) ((vec)_mm512_set1_pd(s))
#define ROOT(a) ((vec)_mm512_sqrt_pd((__m512d)(a)))
#define GREATER(a, b) ((vec)_mm512_max_pd((__m512d)(a), (__m512d)(b)))
#define MOST_LANES 8
#define MOST_VECTORS(lanes) ((lanes) >= 7 ? 3 : (lanes) >= 5 ? 4 : (lanes) == 4 ? 6 : (lanes) == 3 ? 7 : 8)
#include "isa.h"

#define ISA avx2
#define SUPPORTED (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#define V 4
#define TARGET __attribute__((target("avx2,fma")))
#define FMA(a, b, c) ((vec)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define SPLAT(s) ((vec)_mm256_set1_pd(s))
#define ROOT(a) ((vec)_mm256_sqrt_pd((__m256d)(a)))
#define GREATER(a, b) ((vec)_mm256_max_pd((__m256d)(a), (__m256d)(b)))
#define MOST_LANES 4
#define MOST_VECTORS(lanes) ((lanes) == 4 ? 3 : (lanes) == 3 ? 4 : (lanes) == 2 ? 6 : 8)
#include "isa.h"

#elif defined(__aarch64__)

#include <arm_neon.h>
#define SETS(of) of(neon) of(baseline)

#define ISA neon
#define SUPPORTED 1
#define V 2
#define TARGET
#define FMA(a, b, c) ((vec)vfmaq_f64((float64x2_t)(c), (float64x2_t)(a), (float64x2_t)(b)))
#define SPLAT(s) ((vec)vdupq_n_f64(s))
#define ROOT(a) ((vec)vsqrtq_f64((float64x2_t)(a)))
#define GREATER(a, b) ((vec){(a)[0] > (b)[0] ? (a)[0] : (b)[0], (a)[1] > (b)[1] ? (a)[1] : (b)[1]})
#define MOST_LANES 6
#define MOST_VECTORS(lanes) ((lanes) >= 5 ? 4 : (lanes) == 4 ? 5 : (lanes) == 3 ? 6 : 8)
#include "isa.h"

#else

#define SETS(of) of(baseline)

#endif

#define ISA baseline
#define SUPPORTED 1
#define V 2
#define TARGET
#define FMA(a, b, c) ((c) + (a) * (b))
#define SPLAT(s) ((vec){(s), (s)})
#define ROOT(a) ((vec){sqrt((a)[0]), sqrt((a)[1])})
#ifdef __SSE2__
#define GREATER(a, b) ((vec)_mm_max_pd((__m128d)(a), (__m128d)(b)))
#else
#define GREATER(a, b) ((vec){(a)[0] > (b)[0] ? (a)[0] : (b)[0], (a)[1] > (b)[1] ? (a)[1] : (b)[1]})
#endif
#define MOST_LANES 4
#define MOST_VECTORS(lanes) ((lanes) == 4 ? 2 : (lanes) == 3 ? 3 : (lanes) == 2 ? 4 : 8)
#include "isa.h"

#else /* one set */

typedef double vec __attribute__((vector_size(V * 8), aligned(8), may_alias));
#include BODY

#undef ISA
#undef SUPPORTED
#undef V
#undef TARGET
#undef FMA
#undef SPLAT
#undef ROOT
#undef GREATER
#undef MOST_LANES
#undef MOST_VECTORS

#endif
