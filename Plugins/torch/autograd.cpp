#include "errors.h"
#include "tensors.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

namespace starling {

namespace {

int set_requires_grad(starling_tensor *handle, int requires_grad) {
    return guarded([&] { tensor(handle).set_requires_grad(requires_grad != 0); });
}

int backward(
    starling_tensor *const *tensors, starling_tensor *const *gradients, size_t count, int retains_graph) {
    return guarded([&] {
        torch::autograd::variable_list roots, grads;
        for (size_t i = 0; i < count; i++) {
            roots.push_back(tensor(tensors[i]));
            if (gradients) grads.push_back(gradients[i] ? tensor(gradients[i]) : at::Tensor());
        }
        torch::autograd::backward(roots, grads, retains_graph != 0);
    }, [] { return std::string("backward: "); });
}

int gradient(const starling_tensor *handle, starling_tensor **gradient) {
    return guarded([&] {
        const auto &own = tensor(handle).grad();
        *gradient = own.defined() ? starling::handle(own) : nullptr;
    });
}

int set_gradient(starling_tensor *handle, const starling_tensor *gradient) {
    return guarded([&] { tensor(handle).mutable_grad() = gradient ? tensor(gradient) : at::Tensor(); });
}

int set_grad_mode(int enabled) {
    const int before = at::GradMode::is_enabled();
    at::GradMode::set_enabled(enabled != 0);
    return before;
}

int set_autocast(int32_t device_type, int enabled, int32_t dtype) {
    return guarded([&] {
        const auto type = static_cast<at::DeviceType>(device_type);
        if (enabled) {
            at::autocast::set_autocast_dtype(type, static_cast<at::ScalarType>(dtype));
            at::autocast::increment_nesting();
        } else if (at::autocast::decrement_nesting() == 0) {
            // Casts of weights are kept within one pass only.
            at::autocast::clear_cache();
        }
        at::autocast::set_autocast_enabled(type, enabled != 0);
    });
}

} // namespace

void add_autograd(starling_torch &plugin) {
    plugin.set_requires_grad = set_requires_grad;
    plugin.backward = backward;
    plugin.gradient = gradient;
    plugin.set_gradient = set_gradient;
    plugin.set_grad_mode = set_grad_mode;
    plugin.set_autocast = set_autocast;
}

} // namespace starling
