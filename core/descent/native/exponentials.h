/* Exponentials and logarithms of vectors, for one instruction set: included by a body (isa.h).
 *
 * To a few units in the last place, and the same bits for every instruction set that fuses. */

typedef uint64_t NAME(bits) __attribute__((vector_size(V * 8), aligned(8), may_alias));

/* Added to a double below 2^51 in size, it leaves the nearest whole number in the lowest bits. */
#define WHOLE 0x1.8p52
#define EXPONENT_BITS 52
#define LN2_HIGH 6.93147180369123816490e-01 /* its last bits are zero: times an exponent it is exact */
#define LN2_LOW 1.90821492927058770002e-10

TARGET INLINE vec NAME(chosen)(NAME(bits) mask, vec yes, vec no)
{
    return (vec)((mask & (NAME(bits))yes) | (~mask & (NAME(bits))no));
}

/* e^x by Taylor's series on |x| ≤ ½ln 2; x is taken as ±708 where it is beyond. */
TARGET INLINE vec NAME(exponential)(vec x)
{
    static const double inverse[] = {1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
                                     1.0 / 120,      1.0 / 24,      1.0 / 6,      0.5,         1.0,        1.0};
    x = NAME(chosen)((NAME(bits))(x > SPLAT(708.0)), SPLAT(708.0), x);
    x = NAME(chosen)((NAME(bits))(x < SPLAT(-708.0)), SPLAT(-708.0), x);
    const vec shifted = FMA(x, SPLAT(1.44269504088896340736), SPLAT(WHOLE)), k = shifted - SPLAT(WHOLE);
    const vec r = FMA(k, SPLAT(-LN2_LOW), FMA(k, SPLAT(-LN2_HIGH), x));
    vec sum = FMA(SPLAT(1.0 / 6227020800), r, SPLAT(1.0 / 479001600));
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++) sum = FMA(sum, r, SPLAT(inverse[i]));
    const NAME(bits) power = ((NAME(bits))shifted << EXPONENT_BITS) + (NAME(bits))SPLAT(1.0);
    return sum * (vec)power;
}

/* ln(1 + y), NaN where y ≤ −1: 1 + y = 2^k·(1 + f) with 1 + f between √½ and √2, and what rounding took from 1 + y is
 * put back; ln(1 + f) as in fdlibm, by s = f/(2 + f) and powers of s². */
TARGET INLINE vec NAME(log_of_one_plus)(vec y)
{
    static const double series[] = {1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
                                    2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01};
    const uint64_t root = 0x3fe6a09e00000000, one = 0x3ff0000000000000, mantissa = (UINT64_C(1) << EXPONENT_BITS) - 1;
    const vec sum = y + SPLAT(1.0);
    const NAME(bits) shifted = (NAME(bits))sum + (one - root);
    const NAME(bits) exponent = (shifted >> EXPONENT_BITS) + ((NAME(bits))SPLAT(WHOLE) - 1023);
    const vec k = (vec)exponent - SPLAT(WHOLE);
    const NAME(bits) near = (NAME(bits))(k == SPLAT(0.0));
    const vec reduced = (vec)((shifted & mantissa) + root) - SPLAT(1.0);
    const vec f = NAME(chosen)(near, y, reduced);
    const vec large = NAME(chosen)((NAME(bits))(k > SPLAT(0.0)), SPLAT(1.0) - (sum - y), y - (sum - SPLAT(1.0)));
    const vec lost = NAME(chosen)(near, SPLAT(0.0), large / sum);
    const vec s = f / (SPLAT(2.0) + f), square = s * s, half = SPLAT(0.5) * f * f;
    vec tail = SPLAT(1.479819860511658591e-01);
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) tail = FMA(tail, square, SPLAT(series[i]));
    tail = tail * square;
    const vec rest = FMA(s, half + tail, FMA(k, SPLAT(LN2_LOW), lost));
    const vec found = FMA(k, SPLAT(LN2_HIGH), f - (half - rest));
    return NAME(chosen)((NAME(bits))(sum > SPLAT(0.0)), found, SPLAT(NAN));
}
