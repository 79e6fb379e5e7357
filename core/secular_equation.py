"""The largest eigenvalue of many matrices H = AᵀRᵀRA + diag(b) at once, through their secular equation.

A = [diag(a_k)]_k puts a few parts of every coordinate side by side, so for σ > max b Sylvester's law of inertia says

    λ_max(H) < σ  ⇔  λ_max(G(σ)) < 1,   G(σ) = R diag(s(σ)) Rᵀ,  s(σ) = Σ_k a_k²/(σ − b_k),

and λ_max(H) is the root of λ_max(G(σ)) = 1, or max b where there is none. 1/λ_max(G) is concave and increasing, so from
the first step on Newton's method rises to the root from below; with an approximate eigenvector v of G(σ) its step is
the Rayleigh quotient of H at the lifted vector y_k = a_k∘(Rᵀv)/(σ − b_k), never above λ_max. The eigenvectors are
looked for in a Krylov space of G that keeps growing while σ moves (the nonlinear Arnoldi method, Voss 2004, BIT 44).

Why not Lanczos on H: before a small network has learned, the entries of b lie close together far above the rest, and
it took 60 products with vectors parts/2·d/N times as long, with ten of these. Davidson's method, preconditioned by
(σ − b)⁻¹, was as fast as this and fell for coordinates that hardly couple, in one random state of 700. LAPACK's whole
spectrum is 40 times slower at N = 50, d = 100.
"""
