"""A training step of the U-Net as a good user of PyTorch writes it, under each setting that PyTorch offers.

    python bench/peers/train_step.py --width 16 --side 128 --threads 1     # prints a table, with the convolutions alone

bench/train_step.py takes Step, Convolutions, timings and memory from here and sets them beside Crossfade's step.
The data are random: 8 slices of one channel, 28 classes. The loss is w-CE + w-Dice of the whole batch, the optimiser
fused Adam.
"""

import argparse
import contextlib
import ctypes
import dataclasses
import multiprocessing
import os
import pathlib
import statistics
import sys
import time

import torch
from monai.losses import DiceCELoss

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "model"))
from losses import wce_and_wdice
from nets import UNet

BATCH, CLASSES, DEPTH = 8, 28, 4
# Of mean 1: with others MONAI's weighted Dice is that of docs/losses.md times their mean.
CLASS_WEIGHTS = torch.tensor([2 * (c + 1) / (CLASSES + 1) for c in range(CLASSES)])
PRECISIONS = ("fp32", "bf16")  # bf16: autocast of the net, loss and optimiser in fp32


@dataclasses.dataclass(frozen=True)
class Setting:
    name: str
    layout: torch.memory_format = torch.channels_last
    compiled: str = "nothing"  # or "net": beside MONAI's loss; or "net and loss": a plain one
    mode: str = "default"      # of torch.compile; "reduce-overhead": in CUDA graphs


SETTINGS = [
    Setting("eager", torch.contiguous_format),
    Setting("channels-last"),
    Setting("channels-last, net compiled", compiled="net"),
    Setting("channels-last, net and plain loss compiled", compiled="net and loss"),
]
# Those with CUDA graphs were written without a GPU at hand, and have not been run.
GPU_SETTINGS = SETTINGS + [
    Setting("channels-last, net compiled, CUDA graphs", compiled="net", mode="reduce-overhead"),
    Setting("channels-last, net and plain loss compiled, CUDA graphs", compiled="net and loss", mode="reduce-overhead"),
]


@dataclasses.dataclass(frozen=True)
class Work:
    """What a step is of."""

    width: int = 16
    side: int = 128
    norm: str = "none"  # or "batch"
    device: str = "cpu"

    def net(self, layout):
        torch.manual_seed(1)
        return UNet(self.width, DEPTH, 1, CLASSES, self.norm).to(self.device, memory_format=layout)

    def batch(self, layout):
        images = torch.randn(BATCH, 1, self.side, self.side).to(self.device, memory_format=layout)
        return images, torch.randint(CLASSES, (BATCH, self.side, self.side)).to(self.device)


class Step:
    """Call it for a step; it returns the loss, a tensor. The first calls compile."""

    def __init__(self, work, setting, precision):
        self.work, self.setting, self.precision = work, setting, precision
        self.net = work.net(setting.layout)
        self.images, self.labels = work.batch(setting.layout)
        self.weights = CLASS_WEIGHTS.to(work.device)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, fused=True)
        self.monai = DiceCELoss(to_onehot_y=True, softmax=True, batch=True, weight=self.weights)
        compiled = lambda function: torch.compile(function, dynamic=False, mode=setting.mode)
        self.forward = compiled(self.net) if setting.compiled == "net" else self.net
        self.loss = compiled(self.loss_of_plain) if setting.compiled == "net and loss" else self.loss_of_monai

    def logits(self, images):
        with torch.autocast(self.work.device, torch.bfloat16, enabled=self.precision == "bf16"):
            return self.forward(images)

    def loss_of_monai(self, images, labels):
        return self.monai(self.logits(images).float(), labels.unsqueeze(1))

    def loss_of_plain(self, images, labels):
        return wce_and_wdice(self.logits(images).float(), labels, self.weights)

    def __call__(self):
        if self.setting.mode == "reduce-overhead":
            torch.compiler.cudagraph_mark_step_begin()
        self.optimizer.zero_grad()
        loss = self.loss(self.images, self.labels)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


class Convolutions:
    """The convolutions of a step alone, channels-last: call it for all forwards, then all backwards in reverse order.

    That is torch's own aten::convolution and aten::convolution_backward with bias and its gradient where the net has
    one, on tensors of its shapes; no gradient for the images. bf16: all tensors are bf16, without autocast's casts.
    """

    def __init__(self, work, precision):
        self.dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
        self.calls = []
        net, hooks = work.net(torch.channels_last), []
        for module in net.modules():
            if isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
                hooks.append(module.register_forward_hook(self.record))
        net(work.batch(torch.channels_last)[0])
        for hook in hooks:
            hook.remove()

    def like(self, tensor):
        return torch.randn_like(tensor, dtype=self.dtype, memory_format=torch.channels_last, requires_grad=False)

    def record(self, module, inputs, output):
        transposed = isinstance(module, torch.nn.ConvTranspose2d)
        bias = None if module.bias is None else torch.zeros_like(module.bias, dtype=self.dtype, requires_grad=False)
        options = (module.stride, module.padding, module.dilation, transposed,
                   module.output_padding if transposed else (0, 0), module.groups)
        mask = [inputs[0].requires_grad, True, bias is not None]
        self.calls.append((self.like(inputs[0]), self.like(module.weight), bias, self.like(output), options, mask))

    @torch.no_grad()
    def __call__(self):
        for image, weight, bias, _, options, _ in self.calls:
            torch.ops.aten.convolution(image, weight, bias, *options)
        for image, weight, bias, gradient, options, mask in reversed(self.calls):
            sizes = None if bias is None else list(bias.shape)
            torch.ops.aten.convolution_backward(gradient, image, weight, sizes, *options, mask)


def keep_freed_memory():
    """As the runner does (runner/process/memory.cpp): otherwise glibc gives large tensors back to the system, and each
    step pays for new pages. PyTorch's tuning guide preloads jemalloc or TCMalloc for the same reason."""
    libc = ctypes.CDLL(None)
    m_trim_threshold, m_mmap_max = -1, -4
    assert libc.mallopt(m_mmap_max, 0) == 1 and libc.mallopt(m_trim_threshold, -1) == 1


def use_threads(threads):
    """As many threads, and all of this process on so many cores. Programs started from here inherit the cores."""
    cores = sorted(use_threads.cores)
    if threads > len(cores):
        sys.exit(f"{threads} threads on {len(cores)} cores; a thread needs a core of its own")
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.sched_setaffinity(int(task), cores[:threads])
    torch.set_num_threads(threads)


use_threads.cores = os.sched_getaffinity(0)


def settings_for(device):
    return GPU_SETTINGS if device == "cuda" else SETTINGS


def tune():
    """What holds for all of a process."""
    torch.backends.cudnn.benchmark = True
    # Each width and precision compiles the same code anew: a limit would fall back to eager without a word.
    torch._dynamo.config.recompile_limit = 64


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def milliseconds(run, seconds, device="cpu"):
    """Of one call, the mean over as many as fit into `seconds`, at least 2. Warm it up before."""
    synchronize(device)
    begin, calls = time.perf_counter(), 0
    while calls < 2 or time.perf_counter() < begin + seconds:
        run()
        calls += 1
    synchronize(device)
    return (time.perf_counter() - begin) / calls * 1e3


def timings(runs, rounds, seconds, device="cpu"):
    """{name: [ms in each round]} of {name: callable}. Rounds alternate, so that a machine whose speed drifts slows all
    alike."""
    for run in runs.values():
        for _ in range(3):
            run()
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(milliseconds(run, seconds, device))
    return times


def quartiles(values):
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3


def peak_allocated(step):
    """Bytes of tensors at the height of a step above those between steps (parameters, moments, gradients)."""
    if step.work.device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        step()
        return torch.cuda.max_memory_allocated() - before
    for _ in range(2):  # in the second it knows the sizes of the gradients that the step gives back
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
            step()
    records = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = peak = 0
    for record in sorted(records, key=lambda record: record.start_ns()):
        now += record.nbytes()
        peak = max(peak, now)
    return peak


def resident_peak(run):
    """Bytes of the process at the height of a call (VmHWM)."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # begins VmHWM anew
    run()
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def memory_here(work, setting, precision, threads, keep):
    if keep:
        keep_freed_memory()
    use_threads(threads)
    step = Step(work, setting, precision)
    for _ in range(3):
        step()
    return peak_allocated(step), resident_peak(step)


def memory(work, setting, precision, threads, keep=True):
    """Peak of allocated tensors in a step, and of the whole process, in bytes; in a process of its own, so that nothing
    else is in either. Of the process, Python, torch and what compiling left behind are a part."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(memory_here, (work, setting, precision, threads, keep))


def computes_bf16():
    """Whether the processor multiplies bfloat16 itself, as the runner asks it (runner/process/machine.cpp)."""
    features = {word for line in open("/proc/cpuinfo") if line.startswith(("flags", "Features")) for word in line.split()}
    return not features.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})


def computed(precisions, device="cpu"):
    """Those that the device computes in; emulated, bf16 says nothing."""
    return [name for name in precisions if device == "cuda" or name == "fp32" or computes_bf16()]


def machine(device):
    if device == "cuda":
        return torch.cuda.get_device_name()
    names = (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    return next(names, "unknown processor")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--norm", choices=["none", "batch"], default="none")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--threads", type=int, default=1, help="each on a core of its own")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1, help="of each setting in a round")
    parser.add_argument("--memory", action="store_true", help="measure memory as well")
    parser.add_argument("--malloc", choices=["kept", "default"], default="kept", help="kept: freed pages stay")
    return parser.parse_args()


def main():
    options = arguments()
    if options.malloc == "kept":
        keep_freed_memory()
    use_threads(options.threads)
    tune()
    work = Work(options.width, options.side, options.norm, options.device)
    device = machine(work.device) + ("" if work.device == "cuda" else f", threads: {options.threads}")
    print(f"U-Net of width {work.width}, norm {work.norm}, {BATCH} slices of {work.side} x {work.side}, "
          f"{CLASSES} classes; torch {torch.__version__}; {device}; malloc {options.malloc}; {options.rounds} rounds")
    settings = settings_for(work.device)
    chosen = [(setting, precision) for precision in options.precision for setting in settings]
    runs = {(precision, setting.name): Step(work, setting, precision) for setting, precision in chosen}
    losses = {key: step().item() for key, step in runs.items()}
    for precision in options.precision:
        runs[precision, "its convolutions alone"] = Convolutions(work, precision)
    times = timings(runs, options.rounds, options.seconds, work.device)
    print("| precision | setting | ms a step | quartiles | first loss | tensors, MiB | resident, MiB |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for (precision, name), values in times.items():
        low, middle, high = quartiles(values)
        cells = ["", "", ""]
        setting = next((setting for setting in settings if setting.name == name), None)
        if setting:
            cells[0] = f"{losses[precision, name]:.4f}"
        if setting and options.memory:
            sizes = memory(work, setting, precision, options.threads, options.malloc == "kept")
            cells[1:] = [f"{size / 2**20:.0f}" for size in sizes]
        print(f"| {precision} | {name} | {middle:.1f} | {low:.1f} to {high:.1f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
