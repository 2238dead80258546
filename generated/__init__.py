"""What the models that come with symbp generate: one NumPy module and one LaTeX fragment for each.

    from generated import mlp
    C, grads = mlp.value_and_grad(x=x, y=y, w=[w1, w2], b=[b1, b2])
"""
