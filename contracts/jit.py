"""The one place with Numba options: `@kernel("void(i8[::1], f8[::1])")`.

The signature is data: importing compiles nothing. `warm_up()` compiles every registered kernel for exactly its
signature and then forbids more, so that a wrong dtype is an error and not a stall while data flows. A kernel calls
only kernels of its own file: Numba's cache does not notice a change in another one. No fastmath, never parallel:
results are the same bit for bit on every x86-64 machine with our lock file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numba
import numpy as np
from numba import types

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Registered:
    """One kernel: where it stands, its signature and what Numba made of it."""

    name: str
    signature: Any
    python: Callable[..., Any]
    dispatcher: Any
    inner: bool = False
    """A step of another kernel of its file, whose naive twin stands for it."""


_registry: dict[str, Registered] = {}


def kernel(
    signature: str, inner: bool = False, allocates: bool = False, records: Mapping[str, Any] | None = None
) -> Callable[[Function], Function]:
    """Mark a plain function on one-dimensional contiguous arrays as a kernel of this signature.

    Arrays that belong together may come as a tuple (`UniTuple(i8[::1], 3)`). Rows of named fields are `NAME[::1]` where
    `records` gives the dtype of that name; a kernel reads one as `rows[at]["field"]`. An `inner` kernel is a step of
    another one of its file: it has no naive twin of its own. One that makes an array says so (`allocates`): Numba then
    counts references to every array, which costs a kernel of small steps two thirds of its time; without, it does not
    compile.
    """
    named = {name: numba.from_dtype(np.dtype(dtype)) for name, dtype in (records or {}).items()}
    types_of: Any = eval(signature, {}, {**vars(types), **named})

    def register(function: Function) -> Function:
        # Inner ones are inlined: as calls they cost more than what they do (the walk through windows: 316 ns, so 200).
        options: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": False, "forceinline": inner}
        options["_nrt"] = allocates
        compiled: Any = numba.njit(error_model="numpy", **options)(function)
        name = f"{function.__module__}.{function.__qualname__}"
        _registry[name] = Registered(name, types_of, function, compiled, inner)
        made: Function = compiled
        return made

    return register


def registered() -> tuple[Registered, ...]:
    """Every kernel imported so far, by name."""
    return tuple(_registry[name] for name in sorted(_registry))


def warm_up() -> int:
    """Compile every registered kernel (from Numba's cache where it can) and forbid further compiling.

    Returns:
        how many kernels are ready. With the JIT disabled there is nothing to do, and the count is 0.
    """
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]  # set by NUMBA_DISABLE_JIT
        return 0
    for entry in _registry.values():  # in the order of their definition: a kernel after those that it calls
        if not entry.dispatcher.signatures:
            entry.dispatcher.compile(entry.signature)
        entry.dispatcher.disable_compile()
    return len(_registry)
