// c10d's process groups over NCCL. Apart from the rest, which is built and opened without NVIDIA's headers and libraries.
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "nccl_group.h"

extern "C" __attribute__((visibility("default"))) void starling_nccl_group(
    const c10::intrusive_ptr<c10d::Store> &store, int rank, int size, std::chrono::milliseconds timeout,
    c10::intrusive_ptr<c10d::Backend> &group) {
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = timeout;
    group = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
}
