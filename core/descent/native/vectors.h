/* Powers of vectors, and sums over the entries of rows, for one instruction set: included by a body (isa.h).
 *
 * A sum over entries is made in eight parts whatever the width of a vector, one fused multiply-add each, and one over
 * rows in ascending order: so its bits are the same for every instruction set that fuses. */

/* u^exponent for exponent ≥ 0 by repeated squaring from its leading bit. */
TARGET INLINE vec NAME(power)(vec u, int64_t exponent)
{
    vec result = u;
    int64_t bit = 1;
    if (!exponent) return SPLAT(1.0);
    while (bit * 2 <= exponent) bit *= 2;
    for (bit /= 2; bit; bit /= 2) {
        result = result * result;
        if (exponent & bit) result = result * u;
    }
    return result;
}

/* The sum of eight parts, in the order ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). */
TARGET INLINE double NAME(total)(const vec part[WIDEST / V])
{
    double p[WIDEST];
#pragma GCC unroll 8
    for (int v = 0; v < WIDEST / V; v++) STORE(p + v * V, part[v]);
    return ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
}

/* ⟨row r of M, x⟩ over columns from ≤ i < to of `rows` rows; a constant where this is inlined. */
TARGET INLINE void NAME(dots)(const int rows, const double *m, int64_t stride, const double *x, int64_t from, int64_t to,
                              double *out)
{
    vec sum[ROWS][WIDEST / V];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < WIDEST / V; v++) sum[r][v] = (vec){0};
    for (int64_t i = from; i < to; i += WIDEST)
#pragma GCC unroll 8
        for (int v = 0; v < WIDEST / V; v++) {
            const vec entry = LOAD(x + i + v * V);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) sum[r][v] = FMA(LOAD(m + r * stride + i + v * V), entry, sum[r][v]);
        }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) out[r] = NAME(total)(sum[r]);
}

/* out += Σ_r weight_r · row r of M, r ascending. */
TARGET INLINE void NAME(combine)(const int rows, const double *m, int64_t stride, const double *weight, int64_t from,
                                 int64_t to, double *out)
{
    vec w[2 * ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) w[r] = SPLAT(weight[r]);
    for (int64_t i = from; i < to; i += V) {
        vec sum = LOAD(out + i);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) sum = FMA(w[r], LOAD(m + r * stride + i), sum);
        STORE(out + i, sum);
    }
}

/* ⟨x, x⟩. */
TARGET INLINE double NAME(square)(const double *x, int64_t entries)
{
    double square;
    NAME(dots)(1, x, entries, x, 0, entries, &square);
    return square;
}
