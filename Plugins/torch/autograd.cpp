#include "errors.h"
#include "tensors.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

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

// A function of the caller's in the record.
struct Recorded final : torch::autograd::Node {
    int (*backward)(void *, starling_tensor *, starling_tensor **);
    void (*done)(void *);
    void *context;
    size_t inputs;

    Recorded(decltype(backward) backward, decltype(done) done, void *context, size_t inputs)
        : backward(backward), done(done), context(context), inputs(inputs) {}
    ~Recorded() override { release_variables(); }

    torch::autograd::variable_list apply(torch::autograd::variable_list &&gradients) override {
        TORCH_CHECK(context, "the record of a function was given back: a second pass needs retainingGraph");
        std::vector<starling_tensor *> made(inputs, nullptr);
        const int code = backward(context, handle(gradients[0].contiguous()), made.data());
        torch::autograd::variable_list results;
        for (const starling_tensor *result : made) results.push_back(result ? tensor(result) : at::Tensor());
        if (code == STARLING_TORCH_OUT_OF_MEMORY) throw std::bad_alloc();
        TORCH_CHECK(code == 0, "the backward pass of a recorded function failed");
        return results;
    }

    void release_variables() override {
        if (context) done(context);
        context = nullptr;
    }
};

// Older LibTorch counts references to nodes beside them, newer within.
using NodePointer = decltype(torch::autograd::Edge::function);

template <typename Pointer> Pointer counted(Recorded *node) {
    if constexpr (requires { Pointer::unsafe_steal_from_new(node); }) {
        return Pointer::unsafe_steal_from_new(node);
    } else {
        return Pointer(node);
    }
}

int record(
    starling_tensor *const *inputs, size_t count, const starling_tensor *output,
    int (*backward)(void *, starling_tensor *, starling_tensor **), void (*done)(void *), void *context,
    starling_tensor **recorded) {
    return guarded([&] {
        torch::autograd::variable_list variables;
        for (size_t i = 0; i < count; i++) variables.push_back(tensor(inputs[i]));
        const auto node = counted<NodePointer>(new Recorded(backward, done, context, count));
        at::Tensor result = tensor(output).detach();
        if (torch::autograd::compute_requires_grad(variables)) {
            node->set_next_edges(torch::autograd::collect_next_edges(variables));
            torch::autograd::set_history(result, node);
        }
        *recorded = handle(std::move(result));
    });
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
    plugin.record = record;
    plugin.set_grad_mode = set_grad_mode;
    plugin.set_autocast = set_autocast;
}

} // namespace starling
