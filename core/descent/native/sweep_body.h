/* Steps that read rows of X once: few lanes on an X that no cache keeps, and minibatches.
 *
 * r_i is known as soon as row i has been read, and adds r_i·x_i to the gradient at once, while the row is still in the
 * second-level cache. X is there once, in tiles of 8 samples × 8 coordinates (tiled() of arrays.py), and a tile is
 * turned in registers to be multiplied by β. Every sum runs as in a product: its bits are the same. */


/* Entry c of tile[r] becomes entry r of tile[c]. */
TARGET INLINE void NAME(transpose)(vec tile[V])
{
    vec pair[V];
#if V == 8
    vec quad[V];
#pragma GCC unroll 8
    for (int r = 0; r < V; r += 2) {
        pair[r] = (vec)_mm512_unpacklo_pd((__m512d)tile[r], (__m512d)tile[r + 1]);
        pair[r + 1] = (vec)_mm512_unpackhi_pd((__m512d)tile[r], (__m512d)tile[r + 1]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < V; r += 4)
#pragma GCC unroll 8
        for (int c = r; c < r + 2; c++) {
            quad[c] = (vec)_mm512_shuffle_f64x2((__m512d)pair[c], (__m512d)pair[c + 2], 0x88);
            quad[c + 2] = (vec)_mm512_shuffle_f64x2((__m512d)pair[c], (__m512d)pair[c + 2], 0xdd);
        }
#pragma GCC unroll 8
    for (int c = 0; c < 4; c++) {
        tile[c] = (vec)_mm512_shuffle_f64x2((__m512d)quad[c], (__m512d)quad[c + 4], 0x88);
        tile[c + 4] = (vec)_mm512_shuffle_f64x2((__m512d)quad[c], (__m512d)quad[c + 4], 0xdd);
    }
#elif V == 4
    for (int r = 0; r < V; r += 2) {
        pair[r] = (vec)_mm256_unpacklo_pd((__m256d)tile[r], (__m256d)tile[r + 1]);
        pair[r + 1] = (vec)_mm256_unpackhi_pd((__m256d)tile[r], (__m256d)tile[r + 1]);
    }
    for (int c = 0; c < 2; c++) {
        tile[c] = (vec)_mm256_permute2f128_pd((__m256d)pair[c], (__m256d)pair[c + 2], 0x20);
        tile[c + 2] = (vec)_mm256_permute2f128_pd((__m256d)pair[c], (__m256d)pair[c + 2], 0x31);
    }
#else
    pair[0] = (vec){tile[0][0], tile[1][0]};
    pair[1] = (vec){tile[0][1], tile[1][1]};
    tile[0] = pair[0];
    tile[1] = pair[1];
#endif
}

/* sum[lane][row] += Σ_k tile[row][k]·β[lane][k] over k < count of a tile, for `groups` tiles `down` apart. */
TARGET INLINE void NAME(add_tiles)(const int lanes, const int groups, const double *tile, int64_t down,
                                   int64_t ahead, const double *beta, int64_t beta_stride, int64_t count,
                                   vec sum[8][8])
{
#pragma GCC unroll 8
    for (int from = 0; from < WIDEST; from += V)
#pragma GCC unroll 8
        for (int g = 0; g < groups * TILE_VECTORS; g++) {
            vec part[V];
            const double *const rows = tile + g / TILE_VECTORS * down + g % TILE_VECTORS * (V * WIDEST) + from;
#pragma GCC unroll 8
            for (int r = 0; r < V; r++) part[r] = LOAD(rows + r * WIDEST);
            if (lanes > 2 && from == 0)
#pragma GCC unroll 8
                for (int r = 0; r < V; r += 2) __builtin_prefetch(rows + ahead + r * WIDEST, 0, 2);
            NAME(transpose)(part);
#pragma GCC unroll 8
            for (int k = 0; k < V; k++)
                if (from + k < count)
#pragma GCC unroll 8
                    for (int l = 0; l < lanes; l++)
                        sum[l][g] = FMA(part[k], SPLAT(beta[l * beta_stride + from + k]), sum[l][g]);
        }
}

/* r = Xβ − y of rows from `row` on, `groups` tiles of them. */
TARGET INLINE void NAME(residual_tiles)(const int lanes, const int groups, const batch *b, int64_t lane, int64_t row,
                                        int64_t ahead)
{
    const int64_t down = b->dims * WIDEST;
    const double *tile = b->tiles + row * b->dims, *beta = b->predictor + lane * b->dims;
    double *const out = b->residual + lane * b->rows + row;
    vec sum[8][8];
#pragma GCC unroll 8
    for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
        for (int g = 0; g < groups * TILE_VECTORS; g++) sum[l][g] = LOAD(b->minus_targets + row + g * V);
    for (int64_t k = 0; k < b->dim / WIDEST; k++, tile += WIDEST * WIDEST, beta += WIDEST)
        NAME(add_tiles)(lanes, groups, tile, down, ahead, beta, b->dims, WIDEST, sum);
    if (b->dim % WIDEST) NAME(add_tiles)(lanes, groups, tile, down, ahead, beta, b->dims, b->dim % WIDEST, sum);
#pragma GCC unroll 8
    for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
        for (int g = 0; g < groups * TILE_VECTORS; g++) STORE(out + l * b->rows + g * V, sum[l][g]);
}

/* As many tiles at a time as registers hold sums of, beside one that is turned. */
#define GROUPS(lanes) (V == 8 ? ((lanes) <= 2 ? 4 : (lanes) <= 4 ? 2 : 1) : V == 4 && (lanes) == 1 ? 2 : 1)

TARGET INLINE void NAME(residual_rows)(const int lanes, const batch *b, int64_t lane, int64_t row, int64_t to,
                                       int64_t ahead)
{
    for (; row + GROUPS(lanes) * WIDEST <= to; row += GROUPS(lanes) * WIDEST)
        NAME(residual_tiles)(lanes, GROUPS(lanes), b, lane, row, ahead);
    for (; GROUPS(lanes) > 2 && row + 2 * WIDEST <= to; row += 2 * WIDEST)
        NAME(residual_tiles)(lanes, 2, b, lane, row, ahead);
    for (; row < to; row += WIDEST) NAME(residual_tiles)(lanes, 1, b, lane, row, ahead);
}

/* x += Σ_i r_i·x_i over rows from ≤ i < to, of `tiles` tiles of coordinates. */
TARGET INLINE void NAME(gradient_tiles)(const int lanes, const int tiles, const batch *b, int64_t lane, int64_t at,
                                        int64_t from, int64_t to, int64_t ahead)
{
    const double *const r = b->residual + lane * b->rows;
    double *const x = b->gradient + lane * b->dims + at;
    vec sum[8][8];
#pragma GCC unroll 8
    for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
        for (int v = 0; v < tiles * TILE_VECTORS; v++) sum[l][v] = from ? LOAD(x + l * b->dims + v * V) : (vec){0};
    for (int64_t row = from; row < to; row += WIDEST) {
        const double *tile = b->tiles + row * b->dims + at * WIDEST;
        const int64_t rows = row + WIDEST < b->samples ? WIDEST : b->samples - row;
        for (int64_t i = 0; i < rows; i++, tile += WIDEST) {
            vec column[8];
#pragma GCC unroll 8
            for (int v = 0; v < tiles * TILE_VECTORS; v++) {
                const double *const place = tile + v / TILE_VECTORS * (WIDEST * WIDEST) + v % TILE_VECTORS * V;
                column[v] = LOAD(place);
                if (lanes > 2 && v % TILE_VECTORS == 0 && i & 1) __builtin_prefetch(place + ahead, 0, 2);
            }
#pragma GCC unroll 8
            for (int l = 0; l < lanes; l++) {
                const vec entry = SPLAT(r[l * b->rows + row + i]);
#pragma GCC unroll 8
                for (int v = 0; v < tiles * TILE_VECTORS; v++) sum[l][v] = FMA(column[v], entry, sum[l][v]);
            }
        }
    }
#pragma GCC unroll 8
    for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
        for (int v = 0; v < tiles * TILE_VECTORS; v++) STORE(x + l * b->dims + v * V, sum[l][v]);
}

/* Tiles whose sums registers hold. */
#define ACROSS(lanes) (MOST_VECTORS(lanes) >= TILE_VECTORS ? MOST_VECTORS(lanes) / TILE_VECTORS : 1)

TARGET INLINE void NAME(gradient_rows)(const int lanes, const batch *b, int64_t lane, int64_t row, int64_t to,
                                       int64_t ahead)
{
    int64_t at = 0;
    for (; at + ACROSS(lanes) * WIDEST <= b->dims; at += ACROSS(lanes) * WIDEST)
        NAME(gradient_tiles)(lanes, ACROSS(lanes), b, lane, at, row, to, ahead);
    for (; at < b->dims; at += WIDEST) NAME(gradient_tiles)(lanes, 1, b, lane, at, row, to, ahead);
}

/* `what` of lanes first ≤ l < last, split as evenly as can be into groups that are a constant of their loops. */
#define FOR_LANES(what)                                                                                       \
    for (int64_t lane = first, lanes; lane < last; lane += lanes) {                                           \
        lanes = PARTS(last - lane, PARTS(last - lane, MOST_LANES));                                           \
        switch (lanes) { EACH(1, what) EACH(2, what) EACH(3, what) EACH(4, what)                              \
                         EACH(5, what) EACH(6, what) EACH(7, what) EACH(8, what) }                            \
    }
#define EACH(l, what)                                                                                         \
    case l:                                                                                                   \
        if (l <= MOST_LANES) what(l, b, lane, row, to, ahead);                                                      \
        break;

TARGET static void NAME(residuals)(const batch *b, int64_t first, int64_t last, int64_t row, int64_t to,
                                 int64_t ahead)
{
    FOR_LANES(NAME(residual_rows))
}

TARGET static void NAME(gradients)(const batch *b, int64_t first, int64_t last, int64_t row, int64_t to,
                                 int64_t ahead)
{
    FOR_LANES(NAME(gradient_rows))
}

/* Rows of 1-SAM that are made at a time, in tiles. */
#define POWER_GROUPS (V == 8 ? 2 : 1)

/* sums[j] of rows from `row` on, `groups` tiles of them: r = Xβ − y, and Σ_i m_i x_i^(j + 1) with the moments m. */
TARGET INLINE void NAME(power_tiles)(const int powers, const int groups, const batch *b,
                                     const double *const moment[4], double *const out[4], int64_t row)
{
    const int64_t down = b->dims * WIDEST;
    vec sum[4][8];
#pragma GCC unroll 8
    for (int j = 0; j < powers; j++)
#pragma GCC unroll 8
        for (int g = 0; g < groups * TILE_VECTORS; g++)
            sum[j][g] = j ? (vec){0} : LOAD(b->minus_targets + row + g * V);
    for (int64_t k = 0; k < b->dim; k += WIDEST)
#pragma GCC unroll 8
        for (int from = 0; from < WIDEST; from += V)
#pragma GCC unroll 8
            for (int g = 0; g < groups * TILE_VECTORS; g++) {
                vec part[V];
                const double *const rows =
                    b->tiles + row * b->dims + k * WIDEST + g / TILE_VECTORS * down + g % TILE_VECTORS * (V * WIDEST) + from;
#pragma GCC unroll 8
                for (int r = 0; r < V; r++) part[r] = LOAD(rows + r * WIDEST);
                NAME(transpose)(part);
#pragma GCC unroll 8
                for (int c = 0; c < V; c++) {
                    vec x = part[c];
                    if (k + from + c >= b->dim) continue;
#pragma GCC unroll 8
                    for (int j = 0; j < powers; j++, x = x * part[c])
                        sum[j][g] = FMA(x, SPLAT(moment[j][k + from + c]), sum[j][g]);
                }
            }
#pragma GCC unroll 8
    for (int j = 0; j < powers; j++)
#pragma GCC unroll 8
        for (int g = 0; g < groups * TILE_VECTORS; g++) STORE(out[j] + row + g * V, sum[j][g]);
}

/* These of one lane, of rows from `row` on. */
TARGET INLINE void NAME(residual_powers)(const int powers, const batch *b, int64_t lane, int64_t row, int64_t to)
{
    const int64_t at = lane * b->dims, of_dims = b->lanes * b->dims, of_rows = b->lanes * b->rows;
    const double *const beta = b->predictor + at, *const c = b->ascent + at;
    const double *const moment[4] = {beta, c, powers == 4 ? c + of_dims : beta, c + 2 * of_dims};
    double *const cubic = b->cubic + lane * b->rows;
    double *const out[4] = {b->residual + lane * b->rows, b->curvature + lane * b->rows, cubic, cubic + of_rows};
    for (; row + POWER_GROUPS * WIDEST <= to; row += POWER_GROUPS * WIDEST)
        NAME(power_tiles)(powers, POWER_GROUPS, b, moment, out, row);
    for (; row < to; row += WIDEST) NAME(power_tiles)(powers, 1, b, moment, out, row);
}

/* x, s and w of one lane: += Σ_k of rows from ≤ k < to, to the power j + 1, times what is there of each in place of r. */
TARGET INLINE void NAME(gradient_powers)(const int powers, const batch *b, int64_t lane, int64_t from, int64_t to)
{
    const double *const weight[3] = {b->residual + lane * b->rows, b->curvature + lane * b->rows,
                                     b->cubic + lane * b->rows};
    double *const second = b->second + lane * b->dims;
    double *const out[3] = {b->gradient + lane * b->dims, second, second + b->lanes * b->dims};
    for (int64_t at = 0; at < b->dims; at += WIDEST) {
        vec sum[3][TILE_VECTORS];
#pragma GCC unroll 8
        for (int j = 0; j < powers; j++)
#pragma GCC unroll 8
            for (int v = 0; v < TILE_VECTORS; v++) sum[j][v] = from ? LOAD(out[j] + at + v * V) : (vec){0};
        for (int64_t row = from; row < to && row < b->samples; row++) {
            const double *const tile = b->tiles + row / WIDEST * WIDEST * b->dims + at * WIDEST + row % WIDEST * WIDEST;
#pragma GCC unroll 8
            for (int v = 0; v < TILE_VECTORS; v++) {
                const vec column = LOAD(tile + v * V);
                vec x = column;
#pragma GCC unroll 8
                for (int j = 0; j < powers; j++, x = x * column)
                    sum[j][v] = FMA(x, SPLAT(weight[j][row]), sum[j][v]);
            }
        }
#pragma GCC unroll 8
        for (int j = 0; j < powers; j++)
#pragma GCC unroll 8
            for (int v = 0; v < TILE_VECTORS; v++) STORE(out[j] + at + v * V, sum[j][v]);
    }
}

/* sum[row] += Σ_k x_row,k·β_k over k < count of a tile's columns, of `groups` times eight rows wherever they are. */
TARGET INLINE void NAME(add_rows)(const int groups, const double *const *row, int64_t at, const double *beta,
                                  int64_t count, vec sum[GATHERED])
{
#pragma GCC unroll 8
    for (int from = 0; from < WIDEST; from += V)
#pragma GCC unroll 8
        for (int g = 0; g < groups * TILE_VECTORS; g++) {
            vec part[V];
#pragma GCC unroll 8
            for (int i = 0; i < V; i++) part[i] = LOAD(row[g * V + i] + at + from);
            NAME(transpose)(part);
#pragma GCC unroll 8
            for (int k = 0; k < V; k++)
                if (from + k < count) sum[g] = FMA(part[k], SPLAT(beta[from + k]), sum[g]);
        }
}

/* Residuals of the samples `which`, at most `groups` times eight, in ascending order, and their part of x. */
TARGET INLINE void NAME(gather_rows)(const int groups, const batch *b, const stretch *s, int64_t t, int64_t lane,
                                     const ordinal *which, int64_t count)
{
    const int64_t drawn = (t * b->lanes + lane) * b->rows;
    const double *const beta = b->predictor + lane * b->dims, *row[GATHERED];
    const double coefficient = s->coefficients[t * s->coefficient_stride + lane];
    double r[GATHERED], *const x = b->gradient + lane * b->dims, *const total = b->residual_sum + lane * b->rows;
    vec sum[GATHERED];
    int64_t k = 0;
    for (int i = 0; i < groups * WIDEST; i++) {
        const int64_t sample = which[i < count ? i : 0];
        row[i] = b->tiles + sample / WIDEST * WIDEST * b->dims + sample % WIDEST * WIDEST;
        r[i] = b->minus_targets[sample];
    }
#pragma GCC unroll 16
    for (int g = 0; g < groups * TILE_VECTORS; g++) sum[g] = LOAD(r + g * V);
    for (; k + WIDEST <= b->dim; k += WIDEST) NAME(add_rows)(groups, row, k * WIDEST, beta + k, WIDEST, sum);
    if (k < b->dim) NAME(add_rows)(groups, row, k * WIDEST, beta + k, b->dim - k, sum);
#pragma GCC unroll 16
    for (int g = 0; g < groups * TILE_VECTORS; g++) STORE(r + g * V, sum[g]);
    for (int64_t i = 0; i < count; i++) {
        if (s->shift) r[i] = r[i] - s->shift[drawn + which[i]];
        r[i] = r[i] * s->weight[drawn + which[i]] * coefficient;
        total[which[i]] += r[i];
    }
    for (int64_t at = 0; at < b->dims; at += WIDEST) {
        vec part[TILE_VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < TILE_VECTORS; v++) part[v] = LOAD(x + at + v * V);
        for (int64_t i = 0; i < count; i++) {
            const vec entry = SPLAT(r[i]);
#pragma GCC unroll 8
            for (int v = 0; v < TILE_VECTORS; v++) part[v] = FMA(LOAD(row[i] + at * WIDEST + v * V), entry, part[v]);
        }
#pragma GCC unroll 8
        for (int v = 0; v < TILE_VECTORS; v++) STORE(x + at + v * V, part[v]);
    }
}

/* The samples of a lane whose weight is not 0, and their end, noted where its residuals would be, if they are few. */
TARGET INLINE int NAME(few_weigh)(const batch *b, const double *weight, ordinal *which)
{
    int64_t count = 0;
    for (int64_t from = 0; from < b->rows && count * FEWER <= b->samples; from += WIDEST) {
        __builtin_prefetch(weight + b->lanes * b->rows + from); /* of the next step */
        for (int64_t i = from; i < from + WIDEST; i++) {
            which[count] = i;
            count += weight[i] != 0;
        }
    }
    if (count * FEWER > b->samples) return 0;
    which[count] = END;
    return 1;
}

/* Step t by the rows of X alone that are in minibatches, if they are few for all lanes: others add zeros. */
TARGET static int NAME(gather)(const batch *b, const stretch *s, int64_t t, int64_t first, int64_t last)
{
    for (int64_t lane = first; lane < last; lane++)
        if (!NAME(few_weigh)(b, s->weight + (t * b->lanes + lane) * b->rows, (ordinal *)b->residual + lane * b->rows))
            return 0;
    for (int64_t lane = first; lane < last; lane++) {
        const ordinal *which = (const ordinal *)b->residual + lane * b->rows;
        for (int64_t i = 0; i < b->dims; i++) b->gradient[lane * b->dims + i] = 0;
        for (int64_t count; *which != END; which += count) {
            for (count = 0; count < GATHERED && which[count] != END;) count++;
            if (count <= WIDEST) NAME(gather_rows)(1, b, s, t, lane, which, count);
            else NAME(gather_rows)(2, b, s, t, lane, which, count);
        }
    }
    return 1;
}

/* Rows that stay in the second-level cache until they are read again. */
INLINE int64_t NAME(strip)(const batch *b)
{
    const int64_t rows = STRIP_BYTES / (b->dims * (int64_t)sizeof(double)) / WIDEST * WIDEST;
    return rows < WIDEST ? WIDEST : rows > MOST_ROWS ? MOST_ROWS : rows;
}

#undef POWER_GROUPS
#undef EACH
#undef FOR_LANES
#undef ACROSS
#undef GROUPS
