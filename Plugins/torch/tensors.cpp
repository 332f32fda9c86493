#include "tensors.h"

#include "errors.h"

#include <ATen/ATen.h>
#include <atomic>

namespace starling {

namespace {

std::atomic<int64_t> held_tensors{0};

int make(const void *data, int32_t dtype, const int64_t *sizes, size_t rank, starling_tensor **made) {
    return guarded([&] {
        auto result = at::empty(at::IntArrayRef(sizes, rank), at::TensorOptions(static_cast<at::ScalarType>(dtype)));
        if (data) std::memcpy(result.mutable_data_ptr(), data, result.nbytes());
        *made = handle(std::move(result));
    });
}

int wrap(
    void *data, int32_t dtype, const int64_t *sizes, size_t rank, void (*done)(void *), void *context,
    starling_tensor **made) {
    return guarded([&] {
        *made = handle(at::from_blob(
            data, at::IntArrayRef(sizes, rank), [done, context](void *) { if (done) done(context); },
            at::TensorOptions(static_cast<at::ScalarType>(dtype))));
    });
}

void release(starling_tensor *handle) {
    delete reinterpret_cast<at::Tensor *>(handle);
    held_tensors.fetch_sub(1, std::memory_order_relaxed);
}

int64_t held() { return held_tensors.load(std::memory_order_relaxed); }

void info(const starling_tensor *handle, starling_tensor_info *info) {
    const auto &own = tensor(handle);
    const bool dense = own.layout() == at::kStrided;
    info->dtype = static_cast<int32_t>(own.scalar_type());
    info->device_type = static_cast<int32_t>(own.device().type());
    info->device_index = own.device().index();
    info->requires_grad = own.requires_grad();
    info->rank = own.dim();
    info->sizes = own.sizes().data();
    info->count = own.numel();
    info->data = dense && own.device().is_cpu() && own.is_contiguous() ? const_cast<void *>(own.const_data_ptr()) : nullptr;
}

int read(const starling_tensor *handle, void *target, size_t bytes) {
    return guarded([&] {
        const auto here = tensor(handle).detach().to(at::kCPU).contiguous();
        TORCH_CHECK(here.nbytes() == bytes, "a tensor of ", here.nbytes(), " bytes was read as ", bytes);
        if (bytes) std::memcpy(target, here.const_data_ptr(), bytes);
    });
}

} // namespace

starling_tensor *handle(at::Tensor tensor) {
    auto *result = new at::Tensor(std::move(tensor));
    held_tensors.fetch_add(1, std::memory_order_relaxed);
    return reinterpret_cast<starling_tensor *>(result);
}

std::string describe(const at::Tensor &tensor) {
    if (!tensor.defined()) return "nothing";
    std::string text = c10::toString(tensor.scalar_type());
    text += " [";
    for (int64_t axis = 0; axis < tensor.dim(); axis++) {
        text += (axis ? ", " : "") + std::to_string(tensor.size(axis));
    }
    text += "]";
    return tensor.device().is_cpu() ? text : text + " on " + tensor.device().str();
}

void add_tensors(starling_torch &plugin) {
    plugin.make = make;
    plugin.wrap = wrap;
    plugin.release = release;
    plugin.held = held;
    plugin.info = info;
    plugin.read = read;
}

} // namespace starling
