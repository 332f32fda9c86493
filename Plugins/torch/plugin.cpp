#include "errors.h"
#include "tensors.h"

#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/version.h>

namespace {

const char *last_error() { return starling::last_error().c_str(); }

// "2.15.0" of the library that is loaded, which may not be the one of the headers.
const char *version() {
    static const std::string text = [] {
        const uint64_t abi = aoti_torch_abi_version();
        return std::to_string(abi >> 56) + "." + std::to_string(abi >> 48 & 255) + "." + std::to_string(abi >> 40 & 255);
    }();
    return text.c_str();
}

starling_torch made() {
    starling_torch plugin{};
    plugin.abi = STARLING_TORCH_ABI;
    plugin.built_for = TORCH_VERSION;
    plugin.version = version();
    plugin.last_error = last_error;
    starling::add_tensors(plugin);
    starling::add_operators(plugin);
    starling::add_autograd(plugin);
    starling::add_devices(plugin);
    starling::add_groups(plugin);
    return plugin;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const starling_torch *starling_torch_plugin(void) {
    static const starling_torch plugin = made();
    return &plugin;
}
