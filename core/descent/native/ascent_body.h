/* Steps whose gradient is taken elsewhere than at θ: where an ascent leads (SAM), or noise.
 *
 * With ∂_k what x is multiplied by in the step of part k, ascents are θ̃ = θ ± ∂∘z with z = rate·ρ·g. Of 1-SAM each
 * sample has z_k = q_k·x_k, q_k = rate·ρ·r_k. Networks of degree 2 are quadratic in z, and so are their residuals:
 *
 *     r̃_k = r_k + q_k/rate·Σ_i c_i x_ki² + q_k²·Σ_i β_i x_ki³,   the step of θ is ∂∘x + θ∘Σ_k r̃_k q_k x_k²
 *
 * with the tangent weights c: three products with X and its powers, and two with their transposes. Deeper ones are made
 * sample by sample. */

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

/* θ + noise, or where there is none θ ± ∂∘z. */
TARGET INLINE void NAME(elsewhere)(const int64_t network, const int64_t depth, const vec theta[4],
                                   const double *const noise[4], int64_t i, vec z, vec there[4])
{
    for (int k = 0; k < (network == UV ? 4 : 2); k++) {
        if (noise) {
            there[k] = theta[k] + LOAD(noise[k] + i);
            continue;
        }
        const vec ascent = NAME(slope)(network, depth, theta, k) * z;
        there[k] = k & 1 ? theta[k] - ascent : theta[k] + ascent;
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
            for (int k = 0; k < (network == UV ? 4 : 2); k++) theta[k] = LOAD(part[k] + i + v * V);
            for (int k = 0; k < (network == UV ? 4 : 2); k++) {
                const vec slope = NAME(slope)(network, depth, theta, k) * g;
                sum[v] = sum[v] + slope * slope;
            }
        }
    return NAME(total)(sum);
}

/* β where the gradient of one lane is to be taken; z is kept. `gradient` is Xᵀr at θ, unless there is noise. */
TARGET INLINE void NAME(predict_elsewhere)(const int64_t network, const int64_t depth, const batch *b, const stretch *s,
                                           int64_t lane, double *const part[4], const double *const noise[4])
{
    double *const z = b->ascent + lane * b->dims, *const beta = b->predictor + lane * b->dims;
    const double *const gradient = b->gradient + lane * b->dims;
    double factor = 0;
    if (!noise) {
        const double rate = network == UV ? 1 : (double)depth;
        factor = rate * s->rho[lane] / (double)b->samples;
        if (s->normalized) {
            const double square = NAME(square_of_gradient)(network, depth, b->dims, part, gradient);
            factor = square > 0 ? s->rho[lane] / sqrt(square) : square;
        }
    }
    for (int64_t i = 0; i < b->dims; i += V) {
        vec theta[4], there[4];
        for (int k = 0; k < (network == UV ? 4 : 2); k++) theta[k] = LOAD(part[k] + i);
        const vec ascent = LOAD(gradient + i) * SPLAT(factor);
        if (!noise) STORE(z + i, ascent);
        NAME(elsewhere)(network, depth, theta, noise, i, ascent, there);
        STORE(beta + i, NAME(beta_of)(network, depth, there));
    }
}

/* The step of one lane by x = `gradient` taken there, with the new β. */
TARGET INLINE void NAME(move_from_elsewhere)(const int64_t network, const int64_t depth, const batch *b, int64_t lane,
                                             double *const part[4], const double *const noise[4])
{
    const double *const z = b->ascent + lane * b->dims, *const gradient = b->gradient + lane * b->dims;
    double *const beta = b->predictor + lane * b->dims;
    for (int64_t i = 0; i < b->dims; i += V) {
        const vec x = LOAD(gradient + i), ascent = LOAD(z + i);
        vec theta[4], there[4];
        for (int k = 0; k < (network == UV ? 4 : 2); k++) theta[k] = LOAD(part[k] + i);
        NAME(elsewhere)(network, depth, theta, noise, i, ascent, there);
        for (int k = 0; k < (network == UV ? 4 : 2); k++) {
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

/* Both of one lane, each a loop of its own; `moves` says which. */
TARGET static void NAME(lane_elsewhere)(const batch *b, const stretch *s, int64_t t, int64_t lane, int moves)
{
    double *part[4];
    const double *noise[4];
    const int64_t parts = b->network == UV ? 4 : 2;
    NAME(rows_of)(b, b->theta, lane, part);
    if (s->parameters)
        for (int64_t k = 0; k < parts; k++) noise[k] = s->parameters + ((t * parts + k) * b->lanes + lane) * b->dims;
    const double *const *const given = s->parameters ? noise : NULL;
    if (moves) {
        OF_NETWORK(NAME(move_from_elsewhere), b, lane, part, given);
        return;
    }
    OF_NETWORK(NAME(predict_elsewhere), b, s, lane, part, given);
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
        for (int k = 0; k < (network == UV ? 4 : 2); k++) theta[k] = LOAD(part[k] + i);
        for (int k = 0; k < (network == UV ? 4 : 2); k++) {
            const vec slope = NAME(slope)(network, depth, theta, k);
            sum = sum + slope * slope;
        }
        STORE(out + i, sum * SPLAT(network == UV ? 1.0 : (double)(depth * depth)));
    }
}

/* The residuals of one lane where the ascents of its samples lead, scaled, and these times the pulls. */
TARGET static void NAME(ascend_samples)(const batch *b, const stretch *s, int64_t lane, double coefficient)
{
    const double rate = b->network == UV ? 1 : 2;
    double *const r = b->residual + lane * b->rows, *const sum = b->residual_sum + lane * b->rows;
    double *const curvature = b->curvature + lane * b->rows;
    const double *const cubic = b->cubic + lane * b->rows;
    for (int64_t i = 0; i < b->rows; i++) {
        const double q = NAME(pull)(s, s->rho[lane], r[i], curvature[i]);
        const double pull = rate * q;
        r[i] = (r[i] + q * curvature[i] + pull * pull * cubic[i]) * coefficient;
        sum[i] += r[i];
        curvature[i] = pull * r[i];
    }
}

/* θ_k ← θ_k ∓ ∂_k∘x − θ_k∘s. */
TARGET INLINE void NAME(move_by_samples)(const int64_t network, const batch *b, int64_t lane,
                                         double *const part[4])
{
    const double *const gradient = b->gradient + lane * b->dims, *const second = b->second + lane * b->dims;
    double *const beta = b->predictor + lane * b->dims;
    for (int64_t i = 0; i < b->dims; i += V) {
        const vec x = LOAD(gradient + i), shrinkage = LOAD(second + i);
        vec theta[4], moved[4];
        for (int k = 0; k < (network == UV ? 4 : 2); k++) theta[k] = LOAD(part[k] + i);
        for (int k = 0; k < (network == UV ? 4 : 2); k++) {
            const vec change = NAME(slope)(network, 2, theta, k) * x;
            moved[k] = (k & 1 ? theta[k] + change : theta[k] - change) - theta[k] * shrinkage;
            STORE(part[k] + i, moved[k]);
        }
        STORE(beta + i, NAME(beta_of)(network, 2, moved));
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
            NAME(elsewhere)(network, depth, theta, NULL, i, pull * x, there);
            sum[i / V % (WIDEST / V)] = FMA(x, NAME(beta_of)(network, depth, there), sum[i / V % (WIDEST / V)]);
        }
        r[n] = (NAME(total)(sum) + b->minus_targets[n]) * coefficient;
        total[n] += r[n];
        for (int64_t i = 0; i < end; i += V) {
            const vec x = ROW(b, n, i), theta[4] = {LOAD(part[0] + i), LOAD(part[1] + i)};
            vec there[4];
            NAME(elsewhere)(network, depth, theta, NULL, i, pull * x, there);
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

/* One step of 1-SAM; r is there. */
TARGET static void NAME(step_by_samples)(const batch *b, const stretch *s, const double *coefficient, int64_t first,
                                         int64_t last)
{
    if (b->network == DEEP) {
        for (int64_t lane = first; lane < last; lane++) {
            double *part[4];
            NAME(rows_of)(b, b->theta, lane, part);
            if (b->depth == 3) NAME(step_by_deep_samples)(DEEP, 3, b, s, lane, coefficient[lane], part);
            else if (b->depth == 4) NAME(step_by_deep_samples)(DEEP, 4, b, s, lane, coefficient[lane], part);
            else NAME(step_by_deep_samples)(DEEP, b->depth, b, s, lane, coefficient[lane], part);
        }
        return;
    }
    for (int64_t lane = first; lane < last; lane++) {
        double *part[4], *const out = b->ascent + lane * b->dims;
        NAME(rows_of)(b, b->theta, lane, part);
        if (b->network == UV) NAME(tangent_weights)(UV, 2, b, part, out);
        else NAME(tangent_weights)(SQUARED, 2, b, part, out);
    }
    NAME(factors) product = NAME(residual_factors)(b);
    product.start = NULL;
    product.a = b->squares_by_sample, product.b = b->ascent, product.out = b->curvature;
    NAME(plain_product)(&product, first, last);
    product.a = b->cubes_by_sample, product.b = b->predictor, product.out = b->cubic;
    NAME(plain_product)(&product, first, last);
    for (int64_t lane = first; lane < last; lane++) NAME(ascend_samples)(b, s, lane, coefficient[lane]);
    product = NAME(gradient_factors)(b);
    NAME(plain_product)(&product, first, last);
    product.a = b->squares_by_dim, product.b = b->curvature, product.out = b->second;
    NAME(plain_product)(&product, first, last);
    for (int64_t lane = first; lane < last; lane++) {
        double *part[4];
        NAME(rows_of)(b, b->theta, lane, part);
        if (b->network == UV) NAME(move_by_samples)(UV, b, lane, part);
        else NAME(move_by_samples)(SQUARED, b, lane, part);
    }
}

/* Step number t of a stretch, for lanes first ≤ l < last. */
TARGET static void NAME(step_elsewhere)(const batch *b, const stretch *s, int64_t t, int64_t first, int64_t last)
{
    const double *const coefficient = s->coefficients + t * s->coefficient_stride;
    NAME(factors) residual = NAME(residual_factors)(b);
    const NAME(factors) gradient = NAME(gradient_factors)(b);
    residual.coefficient = coefficient;
    if (s->rho) {
        NAME(plain_product)(&residual, first, last);
        if (s->by_samples) {
            NAME(step_by_samples)(b, s, coefficient, first, last);
            return;
        }
        NAME(plain_product)(&gradient, first, last);
    }
    for (int64_t lane = first; lane < last; lane++) NAME(lane_elsewhere)(b, s, t, lane, 0);
    NAME(scaled_product)(&residual, first, last);
    NAME(plain_product)(&gradient, first, last);
    for (int64_t lane = first; lane < last; lane++) NAME(lane_elsewhere)(b, s, t, lane, 1);
}

#undef ROW
#undef OF_NETWORK
