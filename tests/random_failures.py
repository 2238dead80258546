"""Models on which some opinion once differed: drawn at random, cut down, named after what was wrong."""

from __future__ import annotations

from collections.abc import Mapping

FOUND: Mapping[str, str] = {
    # relu′(Σ_m …)·Σ_m … had one index m for both sums, and the inner one was summed as a constant
    "a_sum_in_a_derivative_and_beside_it": """
        param I : D
        param N : H
        Q[i,k] = relu(sum(I[m]*N[k+m], m)) + I[i]
        cost O = mean(Q[j,k]^2, j, k)
    """,
    # the door asked for D before a shape had fixed it
    "a_size_fixed_by_the_axis_before": """
        input S : D, H-D+1
        param v : H
        x[i] = sum(sum(S[j,k], k), j) + sum(S[i,j], j)
        cost C = sum(x[i], i) + sum(v[i]^2, i)
    """,
    # one argument, and a constant gradient that was an integer of Python
    "a_scalar_alone": """
        param x
        y = x
        cost C = y
    """,
    "a_constant_gradient_of_a_scalar": """
        param w : D
        param b
        cost C = sum(w[i], i) + 2*b
    """,
    # the use of x was taken to hold on the range of the sum alone
    "one_place_and_a_range_of_a_sequence": """
        index t = 1..T
        param x[t]
        cost O = sum(x[t]^2, t=2..T) + x[1]
    """,
    "one_place_times_a_range_of_a_sequence": """
        index t = 1..T
        param x[t]
        N = sum(x[t], t=2..T)*x[1]
        cost O = N^2
    """,
    # tanh(u) was read back from the cost, which is the mean over the batch
    "a_cost_that_is_a_function": """
        input x : D
        param w : H, D
        a[i] = tanh(sum(w[i,k]*x[k], k))
        u = sum(a[i]^2, i)
        cost C = tanh(u)
    """,
    "the_exponential_cost": """
        input x : D
        input y
        param w : D
        cost C = exp(-y*sum(w[k]*x[k], k))
    """,
    "a_size_fixed_by_the_axis_after": """
        param y : M-D+1, D
        input x : M
        s[i] = relu(sum(y[i,k]*x[i+k], k))
        cost C = sum(s[i]^2, i)
    """,
    # a family of integers was a list where its range was checked
    "a_family_of_integers": """
        index t = 0..T-1
        param y[t] : K, H
        const u[t] in 0..K-1
        o[0,k] = 0
        o[t,k] = tanh(y[t-1,u[t-1],k]) + o[t-1,k]/2 for t = 1..T-1
        cost J = sum(o[T-1,k]^2, k)
    """,
    # labels that all examples share were scattered for each example
    "labels_that_all_examples_share": """
        param E : V, D
        const tok : N in 0..V-1
        input x : N, D
        h[n,d] = E[tok[n],d]*x[n,d]
        cost C = sum(h[n,d]^2, n, d)
    """,
    "labels_of_both_kinds_in_one_place": """
        param A : V, V
        const c : N in 0..V-1
        input y : N in 0..V-1
        input x : N
        cost C = sum(A[c[n],y[n]]*x[n], n)^2
    """,
    # of two steps after the named adjoint the second was lost
    "two_steps_after_a_named_adjoint": """
        input x : D
        param w : H, D
        z[j] = sum(w[j,k]*x[k], k)
        h[j] = tanh(z[j])
        g[j] = sin(h[j])
        let delta = dC/dz
        cost C = sum(g[j]^2, j)
    """,
    "two_names_for_one_element": """
        index t = 0..T-1
        param y[t]
        x = sum(y[t], t)
        a = y[1]
        e = a
        let delta = dC/dx
        cost C = sin(e)*e
    """,
    # z1[0] = s put in restricted the equation to l = 1, and with it W[l] s, which is read for every l
    "through_a_boundary_and_beside_it": """
        index l = 1..L
        param A[l] : n[l], n[l-1]
        param s : n[0]
        param W[l] : n[l], n[0]
        z1[0,k] = s[k]
        E[l,i] = sum(A[l,i,k]*z1[l-1,k], k) + sum(W[l,i,k]*s[k], k)
        z1[l,i] = tanh(E[l,i])
        w[i] = sin(s[i])
        let delta = dC/dw
        cost C = sum(z1[L,i]^2, i) + sum(w[i], i)
    """,
    "through_boundaries_of_two_lags": """
        index t = 1..T
        param s : D
        param A : D, D
        param B : D, D
        z[0,i] = s[i]
        z[t,i] = tanh(e[t,i])
        e[1,i] = sum(A[i,k]*z[0,k], k)
        e[t,i] = sum(A[i,k]*z[t-1,k], k) + sum(B[i,k]*z[t-2,k], k) for t = 2..T
        let delta = dC/de
        cost C = sum(z[T,i]^2, i)
    """,
    # at T = 2 both uses are of one element: [T = 2] in each counted them twice
    "two_places_that_a_short_sequence_makes_one": """
        index t = 1..T
        param W[t]
        S[t] = sin(W[t])
        x = S[2]*S[T]
        let dz = dJ/dS
        cost J = sin(x)
    """,
    # the cases t = 1..2, 3..T-2 and T-1..T share an element at T = 3
    "cases_that_meet_in_a_short_sequence": """
        index t = 1..T
        param x : K
        param v : K
        param I[t] : K
        O[1,i] = x[i]
        O[2,i] = v[i]
        A[1,i] = x[i]
        A[2,i] = x[i]
        O[t,i] = tanh(O[t-2,i] - A[t-1,i] + I[t-2,i]) for t = 3..T
        A[t,i] = sin(O[t,i])/2 + A[t-1,i]/2 for t = 3..T
        cost J = mean(A[T,k], k)
    """,
    # σ(v) of the boundary of O was read from Q, which has a batch axis, and summed over the batch
    "a_boundary_without_inputs_of_a_variable_with_some": """
        index t = 0..T-1
        param v
        input u
        O[0] = sigmoid(v)
        O[t] = tanh(O[t-1]) for t = 1..T-1
        Q[0] = sigmoid(v)
        Q[t] = sin(O[t]*u)/2 - Q[t-1]/3 for t = 1..T-1
        cost C = mean(Q[t], t)
    """,
    # saturated: 1 - h^2 keeps few digits of a gradient that is a millionth of the others
    "a_saturated_term_of_the_cost": """
        index l = 1..L
        param y : K
        param beta[l] : n[l], n[l-1]
        param Q : n[0]
        lambda_[0,k_] = Q[k_]
        lambda_[l,k] = sum(beta[l,k,k_]*lambda_[l-1,k_], k_) + 2
        A = sum(lambda_[L,k]^2, k)
        cost C = sum(sin(y[j]), j) + tanh(A/8)
    """,
    # Python chose between a value for each step and one for all: in a product that is no broadcast
    "a_choice_between_a_vector_and_a_number": """
        index t = 0..T-1
        const N : D
        const y[t]
        const W : H
        param gamma : H
        param x
        I[0] = x
        I[1] = 1
        I[t] = where(sum(N[k], k) <= 0, y[t]*I[t-2], sum(W[i]*gamma[i], i)) + tanh(I[t-1]) for t = 2..T-1
        cost C = mean(I[t]^2, t)
    """,
    # a saturated tanh in a recurrence: float32 loses as many more digits as float64 does, no others
    "a_saturated_recurrence": """
        index t = 1..T
        param x[t]
        param y : K
        param A : D
        w[i] = log(1 + exp(sum(x[t], t=2..T))) + y[i]
        v[1] = sum(w[i], i)
        u[1] = 1
        v[t] = tanh(sum(A[i] + tanh(u[t-1]), i)) + v[t-1]/2 for t = 2..T
        u[t] = tanh(sum(w[i] + u[t-1], i)) + u[t-1]/2 for t = 2..T
        cost C = sum(u[t], t)
    """,
    # an adjoint that is the number 1 met a condition, and the product was of integers
    "an_adjoint_that_is_a_number": """
        param x
        param y : D
        const v in 0..D-1
        w[i] = x + y[i]
        u = w[v]
        cost C = u
    """,
    # far out on a tanh the complex step keeps nine digits of 1 - h^2: many digits decide
    "digits_lost_by_the_oracle": """
        index t = 0..T-1
        f(t) = sin(t)^2 - t/3
        param w[t]
        param u : K
        param pi_
        param A[t]
        param v[t] : D
        param lambda_ : D
        size H
        y[j] = log(1 + exp(mean((w[t] - w[t-1])^2, t=1..T-1))) + u[j]
        beta[0] = sqrt(1 + (mean(y[j], j))^2)
        S[0] = pi_
        beta[t] = tanh((((A[t] - pi_)^2))^3) - 0.3*beta[t-1] for t = 1..T-1
        S[t] = tanh(sum(u[j] + max(minimum(v[t,k], k/H), k), j)) + S[t-1]/2 for t = 1..T-1
        let delta = dO/dbeta
        cost O = mean(y[k], k) + sin(beta[T-1])*beta[T-1] + mean(tanh(S[t]), t) + sum(lambda_[i], i)
    """,
    # two gradients were one array, and what was added to one stood in both
    "two_gradients_of_one_value": """
        index t = 0..T
        param W : D
        param e : D
        param Q : D
        w[0,k] = W[k]
        w[t,k] = tanh(e[k] + Q[k]) - 0.3*w[t-1,k] for t = 1..T
        cost c = mean(w[T,i], i) - Q[0]*w[0,0]
    """,
    # np.exp of a number of Python made a float64 of the cost in float32
    "a_constant_argument_of_a_users_function": """
        index t = 1..T
        f(u) = u*sigmoid(u)
        phi(u, v) = u*exp(-v^2) + tanh(u*v)
        param x : H
        param w[t]
        param v : D
        param A
        y[i,j] = softmax(x[i] + sum(x[k] + x[i], k), i) + x[i] + x[j]
        u[i] = sum(w[t] + 1, t) + v[i]
        cost C = sum(y[i,j], i, j) + sum(u[i], i) + phi((A + sum(v[i], i)), phi(A, 1))
    """,
    # scatters into windows of which no extent is known to be small: one np.add.at, no loop over data
    "relative_positions": """
        input x : N, D
        input c : M, D
        param R : H, N+M-1
        param Q : D, 3*N-2
        s[h,n,m] = sum(x[n,d]*c[m,d], d) + R[h,n-m+M-1]
        a[h,n,m] = softmax(s[h,n,m], m)
        r[n,k,d] = tanh(Q[d,2*n-k+N-1]*x[k,d])
        cost C = sum(sum(a[h,n,m]*c[m,d], m)^2, h, n, d) + sum(r[n,k,d]^2, n, k, d)
    """,
    "windows_of_a_variable_without_a_kernel": """
        input x : B, N+M-1, K+L-1
        const y : N, M
        const u : K, L
        param w : B
        h[b,i,j] = tanh(w[b]*x[b,i,j])
        cost C = sum(h[b,n+m,k+l]^2*y[n,m]*u[k,l], b, n, m, k, l)
    """,
    "windows_without_a_kernel_beside_those_with_one": """
        const y : N, M, J
        param f : P
        param v
        param g : N+M-1, J+P-1
        cost C = sum((f[p]*sin(v*g[n+m,j+p]) - y[n,m,j])^2, n, m, j, p)
    """,
    "windows_without_a_kernel_at_every_step": """
        index t = 1..T
        const y : N, M
        param R[t] : N+M-1
        param e : N
        h[0,n] = e[n]
        h[t,n] = tanh(sum(R[t,n-m+M-1]*y[n,m], m) + h[t-1,n])
        cost C = sum(h[T,n]^2, n)
    """,
    # a name for c + d in a + b + (c + d) gave value_and_grad another last bit than value
    "a_shared_sum_in_a_sum": """
        const x : N, D
        const y : N
        param w : D
        param k
        eta[n] = sum(w[d]*x[n,d], d)
        cost C = sum(exp(eta[n]) - y[n]*eta[n], n) + sum(y[n]*exp(-eta[n])*exp(k) + eta[n]*exp(k), n)
    """,
    # (total >= rows)*H*summed: a condition met a size first, which made an integer of it
    "a_condition_times_a_size": """
        const v : D
        param N : D
        const S in 0..D-1
        param x : H
        param W : K
        const w
        O = sum(v[j]*N[j], j)
        lambda_[i] = (maximum(v[S], sum(x[m] + sum(N[p], p), m))) + W[i]
        beta = w
        cost cost_ = tanh(O) + mean(sin(lambda_[i])*lambda_[i], i) + sin(beta)*beta + max(lambda_[i], i)
    """,
    # in the second call with a workspace da[L] was epsilon itself, and was set to zero
    "a_member_that_is_another_array": """
        index l = 1..L
        input x    : n[0]
        input y    : n[L]
        param w[l] : n[l], n[l-1]
        param b[l] : n[l]
        const kappa
        a[0,k] = x[k]
        a[l,j] = softplus(sum(w[l,j,k]*a[l-1,k], k) + b[l,j])
        e[j] = a[L,j] - y[j]
        let epsilon = dJ/de
        cost J = sum(where(abs(e[j]) <= abs(kappa), e[j]^2/2, abs(kappa)*(abs(e[j]) - abs(kappa)/2)), j)
    """,
    # every grad_w[t] of a workspace was the one array in which the last turn had computed
    "members_computed_in_one_room": """
        index l = 1..L
        index t = 0..T-1
        f(u) = u*sigmoid(u)
        param w[t] : D
        param Q[l] : n[l], n[l-1]
        input u : n[0]
        size H
        v[-1] = 0
        v[t] = tanh(mean((w[t,j])*(sigmoid(j/H)), j)) + tanh(v[t-1])
        x[0,k_] = u[k_]
        x[l,i] = silu(sum(Q[l,i,k_]*x[l-1,k_], k_))
        gamma = sum(x[L,i]^2, i)
        cost C = mean(tanh(v[t]), t) + sin(gamma)*gamma + sum(v[t-1], t)
    """,
    # the denominator of what a condition leaves out was evaluated outside of its range
    "a_condition_over_what_is_not_there": """
        index t = 1..T
        const v : H
        param x[t] : H
        const S[t] in 0..H-1
        O = mean(1/(1 + where(x[t,S[t]] <= v[0], x[t-1,0], 2)^2), t=2..T)
        cost C = O^2 + sum(x[t,i]^2, t, i)
    """,
    # 2*(A < …) is an integer of NumPy, and made a workspace of float64
    "a_condition_on_numbers_times_two": """
        index t = 0..T
        param O : H
        const w : M
        param A
        W[t] = A*t/(T+1)
        cost C = sum(W[t], t) + where(A < sum(w[i], i), sum(O[j]*O[j], j), 1)
    """,
    # sums of softmax and of logsumexp were taken for those themselves
    "logsumexp_in_logsumexp": """
        const x : N, D
        param m : K, D
        param w : K
        u[n,k,d] = x[n,d] - m[k,d]
        cost C = -sum(logsumexp(w[k] - logsumexp(w[j], j) - sum(u[n,k,d]^2, d)/2, k), n)
    """,
    # 1 − tanh² of a saturated tanh loses more digits than a fixed tolerance knows of
    "a_saturated_tanh_in_float64": """
        f(u) = u*sigmoid(u)
        param x
        u = ((x + x))^3
        let epsilon = dO/du
        cost O = tanh(u)
    """,
    # the sign of -a <= b was taken for that of the whole condition
    "a_condition_that_begins_with_a_sign": """
        param a
        param b : K
        cost C = sum((minimum(a*a, -a) + b[k])^2, k)
    """,
    # rows scattered into a transposed array went into a copy of it
    "a_scatter_into_a_transposed_array": """
        param I : H, D
        param u : D
        param W : D
        input A in 0..H-1
        y[k,i] = max(I[j,k]*u[2*i+j], j) + W[k]
        O = sum(I[A,k]*mean(y[k,j], j), k)
        cost J = sum(sin(y[k,i])*y[k,i], k, i) + tanh(O)
    """,
    # np.add.at(w, positions of two axes, values of one) reads what is not there (NumPy 2.4)
    "a_scatter_of_values_that_are_spread": """
        input y : H
        param w : D
        x[j] = sum(y[k]*w[2*j+k], k)
        cost C = sum(x[j], j)
    """,
    # the numbers of a family in three pieces were a list for one target and an array for the other
    "numbers_of_a_family_in_pieces": """
        index t = 1..T
        param y
        param A : H
        param S[t]
        W[1] = y
        W[2] = sum(A[j], j)
        W[t] = tanh(S[t-1]) + W[t-1] for t = 3..T
        cost O = tanh(W[T])
    """,
    # -(p != m)*(m == j)*x: NumPy has no negative of a truth value
    "a_negative_sum_that_begins_with_conditions": """
        const S
        param x
        input W : D, D
        param w : D, D, D
        O[j,m] = maximum(sum(where(p != m, W[p,p] - w[p,p,m], 0), p), S*x) + w[m,j,j] + W[m,m]
        cost C = mean(tanh(O[k,m]), k, m)
    """,
    # the boundary is computed from a variable, but no parameter acts on it: its adjoint was said to be 0
    "a_boundary_on_which_no_parameter_acts": """
        index t = 0..T
        input E : M
        input v in 0..M-1
        param W : H
        gamma[k] = mean(E[j], j) + E[k]
        q[T+1] = minimum(E[v], gamma[v])
        q[t] = sin(sum(W[j], j))/2 - 0.3*q[t+1]
        cost C = mean(sin(gamma[k])*gamma[k], k) + mean(sin(q[t])*q[t], t)
    """,
}
