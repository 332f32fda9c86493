// Tensors as handles.
#pragma once

#include "starling_torch.h"

#include <ATen/core/Tensor.h>

namespace starling {

// A handle is a tensor on the heap.
inline at::Tensor &tensor(starling_tensor *handle) { return *reinterpret_cast<at::Tensor *>(handle); }
inline const at::Tensor &tensor(const starling_tensor *handle) { return *reinterpret_cast<const at::Tensor *>(handle); }

// A new handle, counted.
starling_tensor *handle(at::Tensor tensor);

// "float32 [3, 4]", with the device where it is not the CPU.
std::string describe(const at::Tensor &tensor);

// Opens LibTorch's part for CUDA; throws NoDevice where it, or a device, is not there.
void need_cuda();

void add_tensors(starling_torch &plugin);
void add_operators(starling_torch &plugin);
void add_autograd(starling_torch &plugin);
void add_devices(starling_torch &plugin);
void add_groups(starling_torch &plugin);

} // namespace starling
