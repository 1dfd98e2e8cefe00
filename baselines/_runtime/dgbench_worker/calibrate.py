"""Random weights that make a network's output depend on everything that a wrong adapter gets wrong.

Default initialisation is blind: First Order Motion Model then returns an almost even picture in which swapped
inputs change less than a grey level. Here convolutions get He weights, batch norms random affine parameters and
the statistics of one real pass, and named heads (key-point logits, the last layer) are rescaled to a stated
spread.
"""


def calibrate(parts, run, heads, seed):
    """Randomise ``parts`` (name -> module) in place; ``run()`` is one forward pass over real images.

    Args:
        heads: (dotted path of a layer with weight and bias, wanted standard deviation of its output), in the
            order of the data flow.
        seed: seed of torch's global generator.
    """
    import torch
    from torch import nn

    torch.manual_seed(seed)
    norms = []
    for name in sorted(parts):
        for module in parts[name].modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                norms.append(module)
            _randomise(module)
        parts[name].eval()
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        run()
        for norm in norms:
            norm.eval()
            norm.momentum = 0.1
        for path, wanted in heads:
            _rescale(_layer(parts, path), run, wanted)


def _randomise(module):
    import torch
    from torch import nn

    if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear)):
        nn.init.kaiming_normal_(module.weight.data, nonlinearity="relu")
        if module.bias is not None:
            nn.init.normal_(module.bias.data, 0.0, 0.05)
    elif isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)):
        if module.weight is not None:
            nn.init.uniform_(module.weight.data, 0.6, 1.4)
            nn.init.normal_(module.bias.data, 0.0, 0.2)
    else:
        for parameter in module.parameters(recurse=False):
            largest = float(parameter.data.abs().max())
            # Zero biases and gains of home-made layers, and those that were never initialised at all.
            if not 0.0 < largest < 1000.0:
                parameter.data.copy_(torch.randn_like(parameter.data) * 0.05)


def _layer(parts, path):
    name, _, rest = path.partition(".")
    found = parts[name]
    for step in rest.split(".") if rest else []:
        found = found[int(step)] if step.isdigit() else getattr(found, step)
    return found


def _rescale(layer, run, wanted):
    """Give a layer's output mean 0 and the wanted spread over one pass."""
    seen = []
    hook = layer.register_forward_hook(lambda module, inputs, output: seen.append(output.detach()))
    run()
    hook.remove()
    import torch

    values = torch.cat([output.reshape(-1) for output in seen])
    mean, factor = values.mean(), wanted / values.std()
    layer.weight.data.mul_(factor)
    if layer.bias is not None:
        layer.bias.data.sub_(mean).mul_(factor)
