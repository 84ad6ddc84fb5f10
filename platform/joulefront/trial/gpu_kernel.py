"""A fixed computation on a GPU, whose millijoules `joulefront.energy.reference` takes.

Torch's share of `energy.normalise: reference`; it reads no counter.
"""

from __future__ import annotations

from collections.abc import Callable


def gpu_kernel(
    device: str = "cuda", *, side: int = 8192, products: int = 20, sums: int = 50
) -> Callable[[], None]:
    """Return a function that runs the kernel, and returns when the device has done it.

    Float32 products, each followed by sums as long as memory is slow: one to two seconds on a
    server's GPU of 2020, long against the 0.1 s in which its energy counter advances.

    Args:
        device: Where to.
        side: Of the matrices; three of them are kept, 256 MiB each.
        products: How many.
        sums: After each product.
    """
    import torch

    left = torch.rand((side, side), generator=torch.Generator(device).manual_seed(0), device=device)
    product, total = torch.empty_like(left), torch.empty_like(left)

    def work() -> None:
        with torch.inference_mode():
            for _ in range(products):
                torch.mm(left, left, out=product)
                for _ in range(sums):
                    torch.add(left, product, out=total)
            total[0, 0].item()  # waits for the device

    return work
