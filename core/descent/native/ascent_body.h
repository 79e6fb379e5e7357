/* Steps whose gradient is taken elsewhere than at θ: where an ascent leads (SAM), or noise.
 *
 * With ∂_k what x is multiplied by in the step of part k, ascents are θ̃ = θ ± ∂∘z with z = rate·ρ·g. Of 1-SAM each
 * sample has z_k = p_k·x_k, p_k = rate·q_k, q_k = ρ·r_k. Networks of degree D are polynomials of degree D in z, and so
 * are their residuals: with the tangent weights c, q_k·c for the first power of z, and D − 1 moments more,
 *
 *     r̃_k = r_k + q_k·Σ_i c_i x_ki² + p_k²·Σ_i b_i x_ki³ + p_k³·Σ_i a_i x_ki⁴
 *
 * where b = β and a = 0 of degree 2, b = 3(u₊⁵ − u₋⁵) and a = u₊⁶ + u₋⁶ of degree 3. The step of θ is, of degree 2,
 * ∂∘x + θ∘s with s = Σ_k r̃_k p_k x_k², and of degree 3, with w = Σ_k r̃_k p_k² x_k³, u±²∘(x ± u±∘(2s ± u±∘w)): D + 1
 * products with powers of X, and D with their transposes. Deeper ones are made sample by sample. */

/* ∂ of part k at θ. */
TARGET INLINE vec NAME(slope)(const int64_t network, const int64_t depth, const vec theta[4], int k)
{
    return network == SQUARED ? theta[k] : network == UV ? theta[(k + 2) & 3] : NAME(power)(theta[k], depth - 1);
}

/* β at θ. */
TARGET INLINE vec NAME(beta_of)(const int64_t network, const int64_t depth, const vec theta[4])
{
    if (network == SQUARED) return theta[0] * theta[0] - theta[1] * theta[1];
    if (network == UV) return theta[0] * theta[2] - theta[1] * theta[3];
    return NAME(power)(theta[0], depth - 1) * theta[0] - NAME(power)(theta[1], depth - 1) * theta[1];
}

/* Where a gradient is taken: at θ ± ∂∘z, at θ + noise, or that of the end of a row, beyond which there is none. */
#define LED 0
#define NOISY 1
#define NOISY_END 2

#define EACH_PART(network) for (int k = 0; k < ((network) == UV ? 4 : 2); k++)

/* The vector at i of θ there, one of the above. */
TARGET INLINE void NAME(elsewhere)(const int how, const int64_t network, const int64_t depth, const vec theta[4],
                                   const double *const noise[4], int64_t i, int64_t dim, vec z, vec there[4])
{
    EACH_PART(network) {
        if (how == LED) {
            const vec ascent = NAME(slope)(network, depth, theta, k) * z;
            there[k] = k & 1 ? theta[k] - ascent : theta[k] + ascent;
        }
        if (how == NOISY) there[k] = theta[k] + LOAD(noise[k] + i);
        if (how == NOISY_END) {
            double end[V] = {0};
            for (int64_t v = i; v < dim; v++) end[v - i] = noise[k][v];
            there[k] = theta[k] + LOAD(end);
        }
    }
}

/* Σ_k Σ_i (∂_k G)², of G = Xᵀr. */
TARGET INLINE double NAME(square_of_gradient)(const int64_t network, const int64_t depth, int64_t dims,
                                              double *const part[4], const double *gradient)
{
    vec sum[WIDEST / V];
    for (int v = 0; v < WIDEST / V; v++) sum[v] = (vec){0};
    for (int64_t i = 0; i < dims; i += WIDEST)
        for (int v = 0; v < WIDEST / V; v++) {
            const vec g = LOAD(gradient + i + v * V);
            vec theta[4];
            EACH_PART(network) theta[k] = LOAD(part[k] + i + v * V);
            EACH_PART(network) {
                const vec slope = NAME(slope)(network, depth, theta, k) * g;
                sum[v] = sum[v] + slope * slope;
            }
        }
    return NAME(total)(sum);
}

/* What z of one lane is of Xᵀr at θ. */
TARGET INLINE double NAME(ascent_factor)(const int64_t network, const int64_t depth, const batch *b, const stretch *s,
                                         int64_t lane, double *const part[4])
{
    const double rate = network == UV ? 1 : (double)depth;
    double square;
    if (!s->normalized) return rate * s->rho[lane] / (double)b->samples;
    square = NAME(square_of_gradient)(network, depth, b->dims, part, b->gradient + lane * b->dims);
    return square > 0 ? s->rho[lane] / sqrt(square) : square;
}

/* β where the gradient of one lane is to be taken, entries from ≤ i < to. An ascent is by `factor` times Xᵀr, and kept;
 * noise of the next step is `ahead`. */
TARGET INLINE void NAME(predict_elsewhere)(const int64_t network, const int64_t depth, const int how, const batch *b,
                                           int64_t lane, double *const part[4], const double *const noise[4],
                                           double factor, int64_t ahead, int64_t from, int64_t to)
{
    double *const z = b->ascent + lane * b->dims, *const beta = b->predictor + lane * b->dims;
    const double *const gradient = b->gradient + lane * b->dims;
    for (int64_t i = from; i < to; i += V) {
        vec theta[4], there[4], ascent = (vec){0};
        EACH_PART(network) {
            theta[k] = LOAD(part[k] + i);
            if (how == NOISY) __builtin_prefetch(noise[k] + ahead + i, 0, 2);
        }
        if (how == LED) {
            ascent = LOAD(gradient + i) * SPLAT(factor);
            STORE(z + i, ascent);
        }
        NAME(elsewhere)(how, network, depth, theta, noise, i, b->dim, ascent, there);
        STORE(beta + i, NAME(beta_of)(network, depth, there));
    }
}

/* The step of these entries by x = `gradient` taken there, with the new β. */
TARGET INLINE void NAME(move_from_elsewhere)(const int64_t network, const int64_t depth, const int how, const batch *b,
                                             int64_t lane, double *const part[4], const double *const noise[4],
                                             int64_t from, int64_t to)
{
    const double *const z = b->ascent + lane * b->dims, *const gradient = b->gradient + lane * b->dims;
    double *const beta = b->predictor + lane * b->dims;
    for (int64_t i = from; i < to; i += V) {
        const vec x = LOAD(gradient + i);
        vec theta[4], there[4];
        EACH_PART(network) theta[k] = LOAD(part[k] + i);
        NAME(elsewhere)(how, network, depth, theta, noise, i, b->dim, how == LED ? LOAD(z + i) : x, there);
        EACH_PART(network) {
            const vec change = NAME(slope)(network, depth, there, k) * x;
            theta[k] = k & 1 ? theta[k] + change : theta[k] - change;
            STORE(part[k] + i, theta[k]);
        }
        STORE(beta + i, NAME(beta_of)(network, depth, theta));
    }
}

#define OF_NETWORK(what, ...)                                         \
    if (b->network == SQUARED) what(SQUARED, 2, __VA_ARGS__);         \
    else if (b->network == UV) what(UV, 2, __VA_ARGS__);              \
    else if (b->depth == 3) what(DEEP, 3, __VA_ARGS__);               \
    else if (b->depth == 4) what(DEEP, 4, __VA_ARGS__);               \
    else what(DEEP, b->depth, __VA_ARGS__)

/* Both of one lane where an ascent leads; `moves` says which. */
TARGET INLINE void NAME(lane_led)(const int64_t network, const int64_t depth, const batch *b, const stretch *s,
                                  int64_t lane, int moves)
{
    double *part[4], factor;
    NAME(rows_of)(b, b->theta, lane, part);
    if (moves) {
        NAME(move_from_elsewhere)(network, depth, LED, b, lane, part, NULL, 0, b->dims);
        return;
    }
    factor = NAME(ascent_factor)(network, depth, b, s, lane, part);
    NAME(predict_elsewhere)(network, depth, LED, b, lane, part, NULL, factor, 0, 0, b->dims);
}

/* Both where noise leads, whose rows are not padded. */
TARGET INLINE void NAME(lane_noisy)(const int64_t network, const int64_t depth, const batch *b, const stretch *s,
                                    int64_t t, int64_t lane, int moves)
{
    const int64_t whole = b->dim / V * V, ahead = s->parameters_step;
    const double *noise[4], *const first = s->parameters + t * ahead + lane * s->parameters_lane;
    double *part[4];
    NAME(rows_of)(b, b->theta, lane, part);
    EACH_PART(network) noise[k] = first + k * s->parameters_part;
    if (moves) {
        NAME(move_from_elsewhere)(network, depth, NOISY, b, lane, part, noise, 0, whole);
        NAME(move_from_elsewhere)(network, depth, NOISY_END, b, lane, part, noise, whole, b->dims);
        return;
    }
    NAME(predict_elsewhere)(network, depth, NOISY, b, lane, part, noise, 0, ahead, 0, whole);
    NAME(predict_elsewhere)(network, depth, NOISY_END, b, lane, part, noise, 0, ahead, whole, b->dims);
}

/* Both of one lane, each a loop of its own. */
TARGET static void NAME(lane_elsewhere)(const batch *b, const stretch *s, int64_t t, int64_t lane, int moves)
{
    if (s->parameters) {
        OF_NETWORK(NAME(lane_noisy), b, s, t, lane, moves);
    } else {
        OF_NETWORK(NAME(lane_led), b, s, lane, moves);
    }
}

/* x = Xᵀr. */
TARGET INLINE NAME(factors) NAME(gradient_factors)(const batch *b)
{
    return (NAME(factors)){.a = b->by_dim,
                           .depth = b->samples,
                           .vectors = PARTS(b->dim, V),
                           .b = b->residual,
                           .b_stride = b->rows,
                           .out = b->gradient,
                           .out_stride = b->dims};
}

/* q_k of a sample, times 1/rate. */
INLINE double NAME(pull)(const stretch *s, double rho, double r, double curvature)
{
    if (!s->normalized) return rho * r;
    if (!(curvature > 0)) return 0 * r;
    return (r > 0 ? rho : r < 0 ? -rho : 0 * r) / sqrt(curvature);
}

/* c, the tangent weights of one lane. */
TARGET INLINE void NAME(tangent_weights)(const int64_t network, const int64_t depth, const batch *b,
                                         double *const part[4], double *out)
{
    for (int64_t i = 0; i < b->dims; i += V) {
        vec theta[4], sum = (vec){0};
        EACH_PART(network) theta[k] = LOAD(part[k] + i);
        EACH_PART(network) {
            const vec slope = NAME(slope)(network, depth, theta, k);
            sum = sum + slope * slope;
        }
        STORE(out + i, sum * SPLAT(network == UV ? 1.0 : (double)(depth * depth)));
    }
}

/* The moments of one lane: c, of degree 3 b and a as well. */
TARGET INLINE void NAME(moments)(const int64_t network, const int64_t depth, const batch *b, int64_t lane)
{
    double *part[4], *const out = b->ascent + lane * b->dims;
    const int64_t next = b->lanes * b->dims;
    NAME(rows_of)(b, b->theta, lane, part);
    NAME(tangent_weights)(network, depth, b, part, out);
    for (int64_t i = 0; depth == 3 && i < b->dims; i += V) {
        const vec p = LOAD(part[0] + i), m = LOAD(part[1] + i), p2 = p * p, m2 = m * m, p4 = p2 * p2, m4 = m2 * m2;
        STORE(out + next + i, SPLAT(3.0) * (p4 * p - m4 * m));
        STORE(out + 2 * next + i, p4 * p2 + m4 * m2);
    }
}

/* The residuals of samples from ≤ k < to of one lane where their ascents lead, scaled, and these times powers of p. */
TARGET INLINE void NAME(ascend)(const int64_t depth, const int normalized, const batch *b, const stretch *s,
                                int64_t lane, double coefficient, int64_t from, int64_t to)
{
    const double rate = b->network == UV ? 1 : (double)depth, rho = s->rho[lane];
    double *const r = b->residual + lane * b->rows, *const sum = b->residual_sum + lane * b->rows;
    double *const curvature = b->curvature + lane * b->rows, *const cubic = b->cubic + lane * b->rows;
    const double *const quartic = cubic + b->lanes * b->rows;
    for (int64_t i = from; i < to; i += V) {
        const vec now = LOAD(r + i), curved = LOAD(curvature + i);
        vec q = SPLAT(rho) * now;
        if (normalized) {
            double each[V];
            for (int v = 0; v < V; v++) each[v] = NAME(pull)(s, rho, r[i + v], curvature[i + v]);
            q = LOAD(each);
        }
        const vec pull = SPLAT(rate) * q;
        vec there = now + q * curved + pull * pull * LOAD(cubic + i);
        if (depth == 3) there = there + pull * pull * pull * LOAD(quartic + i);
        there = there * SPLAT(coefficient);
        STORE(r + i, there);
        STORE(sum + i, LOAD(sum + i) + there);
        STORE(curvature + i, pull * there);
        if (depth == 3) STORE(cubic + i, pull * pull * there);
    }
}

TARGET static void NAME(ascend_samples)(const batch *b, const stretch *s, int64_t lane, double coefficient, int64_t from,
                                        int64_t to)
{
    if (b->network != DEEP && s->normalized) NAME(ascend)(2, 1, b, s, lane, coefficient, from, to);
    else if (b->network != DEEP) NAME(ascend)(2, 0, b, s, lane, coefficient, from, to);
    else if (s->normalized) NAME(ascend)(3, 1, b, s, lane, coefficient, from, to);
    else NAME(ascend)(3, 0, b, s, lane, coefficient, from, to);
}

/* The step of one lane by what its samples add up to, with the new β. */
TARGET INLINE void NAME(move_by_samples)(const int64_t network, const int64_t depth, const batch *b, int64_t lane)
{
    double *part[4], *const beta = b->predictor + lane * b->dims;
    const double *const gradient = b->gradient + lane * b->dims, *const second = b->second + lane * b->dims,
                 *const third = second + b->lanes * b->dims;
    NAME(rows_of)(b, b->theta, lane, part);
    for (int64_t i = 0; i < b->dims; i += V) {
        const vec x = LOAD(gradient + i), shrinkage = LOAD(second + i);
        vec theta[4], moved[4];
        EACH_PART(network) theta[k] = LOAD(part[k] + i);
        EACH_PART(network) {
            if (depth == 3) {
                const vec twice = shrinkage + shrinkage, most = theta[k] * LOAD(third + i);
                const vec by = theta[k] * (k & 1 ? twice - most : twice + most);
                moved[k] = k & 1 ? theta[k] + theta[k] * theta[k] * (x - by) : theta[k] - theta[k] * theta[k] * (x + by);
            } else {
                const vec change = NAME(slope)(network, 2, theta, k) * x;
                moved[k] = (k & 1 ? theta[k] + change : theta[k] - change) - theta[k] * shrinkage;
            }
            STORE(part[k] + i, moved[k]);
        }
        STORE(beta + i, NAME(beta_of)(network, depth, moved));
    }
}

/* What is done by network and degree where samples have ascents of their own and X has been raised to powers. */
#define OF_POWERS(what, ...)                                 \
    if (b->network == SQUARED) what(SQUARED, 2, __VA_ARGS__); \
    else if (b->network == UV) what(UV, 2, __VA_ARGS__);      \
    else what(DEEP, 3, __VA_ARGS__)

/* r, and Σ_i of moments times powers of X, by products with these; their part of the step likewise. */
TARGET static void NAME(samples_by_products)(const batch *b, const stretch *s, const double *coefficient, int64_t first,
                                             int64_t last)
{
    const int64_t of_dims = b->lanes * b->dims, of_rows = b->lanes * b->rows;
    NAME(factors) product = NAME(residual_factors)(b);
    NAME(plain_product)(&product, first, last);
    product.start = NULL;
    product.a = b->squares_by_sample, product.b = b->ascent, product.out = b->curvature;
    NAME(plain_product)(&product, first, last);
    product.a = b->cubes_by_sample, product.out = b->cubic;
    product.b = b->network == DEEP ? b->ascent + of_dims : b->predictor;
    NAME(plain_product)(&product, first, last);
    if (b->network == DEEP) {
        product.a = b->fourths_by_sample, product.b = b->ascent + 2 * of_dims, product.out = b->cubic + of_rows;
        NAME(plain_product)(&product, first, last);
    }
    for (int64_t lane = first; lane < last; lane++) NAME(ascend_samples)(b, s, lane, coefficient[lane], 0, b->rows);
    product = NAME(gradient_factors)(b);
    NAME(plain_product)(&product, first, last);
    product.a = b->squares_by_dim, product.b = b->curvature, product.out = b->second;
    NAME(plain_product)(&product, first, last);
    if (b->network == DEEP) {
        product.a = b->cubes_by_dim, product.b = b->cubic, product.out = b->second + of_dims;
        NAME(plain_product)(&product, first, last);
    }
}

/* The same in tiles of X, whose powers are made as they are read. */
TARGET static void NAME(samples_by_sweep)(const batch *b, const stretch *s, const double *coefficient, int64_t first,
                                          int64_t last)
{
    const int64_t strip = NAME(strip)(b);
    for (int64_t row = 0; row < b->rows; row += strip) {
        const int64_t to = row + strip < b->rows ? row + strip : b->rows;
        for (int64_t lane = first; lane < last; lane++) {
            if (b->network == DEEP) NAME(residual_powers)(4, b, lane, row, to);
            else NAME(residual_powers)(3, b, lane, row, to);
            NAME(ascend_samples)(b, s, lane, coefficient[lane], row, to);
            if (b->network == DEEP) NAME(gradient_powers)(3, b, lane, row, to);
            else NAME(gradient_powers)(2, b, lane, row, to);
        }
    }
}

/* Row k of X at the vector i of its entries. */
#define ROW(b, k, i) LOAD((b)->by_dim + (i) * (b)->samples + (k) * V)

/* The step of one lane of a deep network, sample by sample: r is there. */
TARGET INLINE void NAME(step_by_deep_samples)(const int64_t network, const int64_t depth, const batch *b,
                                              const stretch *s, int64_t lane, double coefficient, double *const part[4])
{
    double *const r = b->residual + lane * b->rows, *const total = b->residual_sum + lane * b->rows;
    double *const weights = b->ascent + lane * b->dims, *const beta = b->predictor + lane * b->dims;
    double *const change[2] = {b->second + lane * b->dims, b->second + (b->lanes + lane) * b->dims};
    if (s->normalized) NAME(tangent_weights)(network, depth, b, part, weights);
    for (int64_t i = 0; i < b->dims; i++) change[0][i] = change[1][i] = 0;
    for (int64_t n = 0; n < b->samples; n++) {
        double curvature = 0;
        vec sum[WIDEST / V];
        const int64_t end = PARTS(b->dim, V) * V;
        if (s->normalized) {
            for (int v = 0; v < WIDEST / V; v++) sum[v] = (vec){0};
            for (int64_t i = 0; i < end; i += V) {
                const vec x = ROW(b, n, i);
                sum[i / V % (WIDEST / V)] = sum[i / V % (WIDEST / V)] + x * x * LOAD(weights + i);
            }
            curvature = NAME(total)(sum);
        }
        const vec pull = SPLAT((double)depth * NAME(pull)(s, s->rho[lane], r[n], curvature));
        for (int v = 0; v < WIDEST / V; v++) sum[v] = (vec){0};
        for (int64_t i = 0; i < end; i += V) {
            const vec x = ROW(b, n, i), theta[4] = {LOAD(part[0] + i), LOAD(part[1] + i)};
            vec there[4];
            NAME(elsewhere)(LED, network, depth, theta, NULL, i, b->dim, pull * x, there);
            sum[i / V % (WIDEST / V)] = FMA(x, NAME(beta_of)(network, depth, there), sum[i / V % (WIDEST / V)]);
        }
        r[n] = (NAME(total)(sum) + b->minus_targets[n]) * coefficient;
        total[n] += r[n];
        for (int64_t i = 0; i < end; i += V) {
            const vec x = ROW(b, n, i), theta[4] = {LOAD(part[0] + i), LOAD(part[1] + i)};
            vec there[4];
            NAME(elsewhere)(LED, network, depth, theta, NULL, i, b->dim, pull * x, there);
            for (int k = 0; k < 2; k++) {
                const vec slope = NAME(slope)(network, depth, there, k);
                STORE(change[k] + i, FMA(x * SPLAT(r[n]), slope, LOAD(change[k] + i)));
            }
        }
    }
    for (int64_t i = 0; i < b->dims; i += V) {
        const vec moved[4] = {LOAD(part[0] + i) - LOAD(change[0] + i), LOAD(part[1] + i) + LOAD(change[1] + i)};
        STORE(part[0] + i, moved[0]);
        STORE(part[1] + i, moved[1]);
        STORE(beta + i, NAME(beta_of)(network, depth, moved));
    }
}

/* One step of 1-SAM. */
TARGET static void NAME(step_by_samples)(const batch *b, const stretch *s, const double *coefficient, int64_t first,
                                         int64_t last)
{
    if (b->network == DEEP && b->depth > 3) {
        const NAME(factors) residual = NAME(residual_factors)(b);
        NAME(plain_product)(&residual, first, last);
        for (int64_t lane = first; lane < last; lane++) {
            double *part[4];
            NAME(rows_of)(b, b->theta, lane, part);
            if (b->depth == 4) NAME(step_by_deep_samples)(DEEP, 4, b, s, lane, coefficient[lane], part);
            else NAME(step_by_deep_samples)(DEEP, b->depth, b, s, lane, coefficient[lane], part);
        }
        return;
    }
    for (int64_t lane = first; lane < last; lane++) OF_POWERS(NAME(moments), b, lane);
    if (b->by_sample) NAME(samples_by_products)(b, s, coefficient, first, last);
    else NAME(samples_by_sweep)(b, s, coefficient, first, last);
    for (int64_t lane = first; lane < last; lane++) OF_POWERS(NAME(move_by_samples), b, lane);
}

/* x of one lane after the other at its β, of residuals that are scaled and summed up, or as they are. */
TARGET static void NAME(gradients_at)(const batch *b, const stretch *s, int64_t t, int64_t first, int64_t last,
                                      int is_scaled)
{
    NAME(factors) residual = NAME(residual_factors)(b);
    const NAME(factors) gradient = NAME(gradient_factors)(b);
    if (!b->by_sample) {
        NAME(sweep)(b, s, t, first, last, is_scaled);
        return;
    }
    residual.coefficient = s->coefficients + t * s->coefficient_stride;
    if (is_scaled) NAME(scaled_product)(&residual, first, last);
    else NAME(plain_product)(&residual, first, last);
    NAME(plain_product)(&gradient, first, last);
}

/* Step number t of a stretch, for lanes first ≤ l < last. */
TARGET static void NAME(step_elsewhere)(const batch *b, const stretch *s, int64_t t, int64_t first, int64_t last)
{
    if (s->rho && s->by_samples) {
        NAME(step_by_samples)(b, s, s->coefficients + t * s->coefficient_stride, first, last);
        return;
    }
    if (s->rho) NAME(gradients_at)(b, s, t, first, last, 0);
    for (int64_t lane = first; lane < last; lane++) NAME(lane_elsewhere)(b, s, t, lane, 0);
    NAME(gradients_at)(b, s, t, first, last, 1);
    for (int64_t lane = first; lane < last; lane++) NAME(lane_elsewhere)(b, s, t, lane, 1);
}

#undef EACH_PART
#undef NOISY_END
#undef NOISY
#undef LED
#undef ROW
#undef OF_POWERS
#undef OF_NETWORK
