"""How fast devices compute: measured rates where there are any, otherwise scaled by the makers' peak rates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from brandpress.pipeline.cpus import available_cpus

Kind = Literal["gpu", "cpu", "hosted"]

MEASURED_ON = "H200"
PRODUCTS, FP8_GAIN, DECODING, ENCODING = 600e12, 1.43, 312e12, 112e12
"""What brandpress reaches on an H200, in operations a second (docs/gpu.md). Section `klein`: 600 TFLOP/s for denoising
in bf16 at 1024x1024 and at 2048x2048 with references, and the encoder's 19.5 TFLOP of 4 references of 1024x1024 in
0.175 s. `dev`: 1.43 times as fast in fp8. `decoder`: the 10.5 TFLOP of a picture of 1024x1024 in 0.0336 s."""

BLOCK_SECONDS = 0.0005
"""A pass takes at least this long per block, because kernels are launched one by one: 12.2 ms for klein-4B's 25 blocks
at 256x256 and 4.4 ms for nano's 8 (docs/gpu.md, `graphs`)."""

MEASURED_RANGE, SCALED_RANGE = (0.9, 1.3), (0.8, 1.8)
"""Of the time, as factors: on the card that was measured, where the model is within a tenth of every figure, and on
others, whose share of the peak rate isn't known."""

CPU_PRODUCTS, CPU_CONVOLUTIONS, CPU_RANGE = 50e9, 40e9, (0.5, 2.0)
"""Operations a second and core in float32: nano at 256x256 and 512x512 on one core of a cloud server, November 2026."""

PEAKS = {
    "A100": 312e12,
    "B200": 2250e12,
    "H100": 989e12,
    "H100 NVL": 835e12,
    "H100 PCIe": 756e12,
    "H200": 989e12,
    "L4": 121e12,
    "L40S": 362e12,
    "RTX 4090": 165e12,
}
"""Peak rates in bf16 without sparsity, by NVIDIA's data sheets, keyed by words of the card's name."""

WITHOUT_FP8 = frozenset({"A100"})
DEFAULT_GPU = "H100"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that renders. name: as its records have it, or the words that the user gave. known_as: the key of PEAKS
    whose rates are used; None for a CPU or a hosted service. cores: of a CPU. local: whether it's this machine's."""

    name: str
    kind: Kind
    known_as: str | None = None
    cores: int = 1
    local: bool = False

    @property
    def unknown(self) -> bool:
        """Whether nothing is known about this card, so that the rates are those of another one."""
        return self.known_as is not None and find(PEAKS, self.name) is None

    @property
    def products(self) -> float:
        """Operations a second in matrix products and attention."""
        if self.known_as is None:
            return CPU_PRODUCTS * self.cores
        return PRODUCTS * PEAKS[self.known_as] / PEAKS[MEASURED_ON]

    @property
    def fp8_products(self) -> float:
        """The same with weights in fp8."""
        return self.products * (1.0 if self.known_as is None or self.known_as in WITHOUT_FP8 else FP8_GAIN)

    @property
    def decoding(self) -> float:
        """Operations a second in the autoencoder's decoder."""
        if self.known_as is None:
            return CPU_CONVOLUTIONS * self.cores
        return DECODING * PEAKS[self.known_as] / PEAKS[MEASURED_ON]

    @property
    def encoding(self) -> float:
        """Operations a second in the autoencoder's encoder."""
        return self.decoding if self.known_as is None else self.decoding * ENCODING / DECODING

    @property
    def block_seconds(self) -> float:
        """The least time of a block in one pass."""
        return 0.0 if self.known_as is None else BLOCK_SECONDS

    @property
    def range(self) -> tuple[float, float]:
        """The range of an estimate by operations, as factors of the time."""
        if self.known_as is None:
            return CPU_RANGE
        return MEASURED_RANGE if self.known_as == MEASURED_ON else SCALED_RANGE


HOSTED = Device("BFL's service", "hosted")


def device_named(name: str) -> Device:
    """Returns the device of a name from a record, nvidia-smi or the user: `cpu`, `NVIDIA H100 80GB HBM3`, `L40S`."""
    if name.strip().lower() == "cpu":
        return Device("cpu", "cpu", cores=available_cpus())
    return Device(name, "gpu", find(PEAKS, name) or DEFAULT_GPU)


def same_device(device: Device, recorded: str) -> bool:
    """Returns whether a record's device is of the same type: the same name, or the same words of PEAKS."""
    if device.name.lower() == recorded.lower():
        return True
    known = find(PEAKS, device.name)
    return known is not None and known == find(PEAKS, recorded)


def find(names: dict[str, float], device: str) -> str | None:
    """Returns the name with most words, all of which are among those of a device's name; None if there is none."""
    words = set(_words(device))
    matches = [name for name in names if words.issuperset(_words(name))]
    return max(matches, key=lambda name: len(_words(name)), default=None)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())
