#include "errors.h"
#include "tensors.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <mutex>

namespace starling {

// LibTorch's part for CUDA is opened when a CUDA device is first asked for: it needs libraries of NVIDIA's that a machine
// without one need not have.
void need_cuda() {
    static std::once_flag once;
    static std::string refusal;
    std::call_once(once, [] {
        // hasCUDA() is also false where the part is there and a device is not.
        if (!at::hasCUDA() && !dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) refusal = dlerror();
    });
    if (!refusal.empty()) throw NoDevice("LibTorch's CUDA part cannot be opened: " + refusal);
    if (!at::hasCUDA()) throw NoDevice("there is no CUDA device, or its driver is missing or older than LibTorch needs");
}

namespace {

int device_count(int32_t device_type, int32_t *count) {
    return guarded([&] {
        *count = 1;
        if (static_cast<at::DeviceType>(device_type) == at::kCPU) return;
        need_cuda();
        *count = at::accelerator::deviceCount();
        if (*count == 0) throw NoDevice("there is no CUDA device, or its driver is missing or older than LibTorch needs");
    });
}

int synchronize(int32_t device_index) {
    return guarded([&] { at::accelerator::synchronizeDevice(static_cast<c10::DeviceIndex>(device_index)); });
}

// NVIDIA's management library, which comes with its driver; it counts devices in its own way, so that they are found by their
// place on the bus.
class Management {
    template <typename Function> static Function *symbol(void *library, const char *name) {
        return reinterpret_cast<Function *>(dlsym(library, name));
    }

    struct Rates { unsigned compute, memory; };
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    int (*start)() = symbol<int()>(library, "nvmlInit_v2");
    int (*find)(const char *, void **) = symbol<int(const char *, void **)>(library, "nvmlDeviceGetHandleByPciBusId_v2");
    int (*rates)(void *, Rates *) = symbol<int(void *, Rates *)>(library, "nvmlDeviceGetUtilizationRates");
    // Of the CUDA runtime, which LibTorch has opened.
    int (*place)(char *, int, int) = symbol<int(char *, int, int)>(RTLD_DEFAULT, "cudaDeviceGetPCIBusId");
    bool ready = start && find && rates && place && start() == 0;

public:
    int32_t utilization(int32_t device_index) const {
        char bus[32];
        void *device = nullptr;
        Rates found{};
        const bool known = ready && place(bus, sizeof bus, device_index) == 0 && find(bus, &device) == 0 && rates(device, &found) == 0;
        return known ? static_cast<int32_t>(found.compute) : -1;
    }
};

int use(int32_t device_index, starling_device_use *use) {
    return guarded([&] {
        need_cuda();
        const auto device = static_cast<c10::DeviceIndex>(device_index);
        const auto statistics = at::accelerator::getDeviceStats(device);
        const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
        use->allocated = statistics.allocated_bytes[all].current;
        use->peak = statistics.allocated_bytes[all].peak;
        use->reserved = statistics.reserved_bytes[all].current;
        const auto [free, total] = at::accelerator::getMemoryInfo(device);
        use->free = static_cast<int64_t>(free);
        use->total = static_cast<int64_t>(total);
        static const Management management;
        use->utilization = management.utilization(device_index);
    });
}

int reset_peak_memory(int32_t device_index) {
    return guarded([&] { at::accelerator::resetPeakStats(static_cast<c10::DeviceIndex>(device_index)); });
}

int empty_cache() {
    return guarded([&] { if (at::hasCUDA()) at::accelerator::emptyCache(); });
}

int seed(uint64_t seed) {
    return guarded([&] { at::manual_seed(seed); });
}

at::Generator generator(int32_t device_type, int32_t device_index) {
    const at::Device device(static_cast<at::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index));
    return at::globalContext().defaultGenerator(device);
}

int random_state(int32_t device_type, int32_t device_index, starling_tensor **state) {
    return guarded([&] {
        auto own = generator(device_type, device_index);
        std::lock_guard<std::mutex> lock(own.mutex());
        *state = handle(own.get_state());
    });
}

int set_random_state(int32_t device_type, int32_t device_index, const starling_tensor *state) {
    return guarded([&] {
        auto own = generator(device_type, device_index);
        std::lock_guard<std::mutex> lock(own.mutex());
        own.set_state(tensor(state));
    });
}

int set_threads(int32_t threads) {
    return guarded([&] { at::set_num_threads(threads); });
}

int parallel(int64_t count, void (*body)(void *, int64_t, int64_t), void *context) {
    return guarded([&] {
        at::parallel_for(0, count, 1, [&](int64_t first, int64_t last) { body(context, first, last); });
    });
}

} // namespace

void add_devices(starling_torch &plugin) {
    plugin.device_count = device_count;
    plugin.synchronize = synchronize;
    plugin.use = use;
    plugin.reset_peak_memory = reset_peak_memory;
    plugin.empty_cache = empty_cache;
    plugin.seed = seed;
    plugin.random_state = random_state;
    plugin.set_random_state = set_random_state;
    plugin.set_threads = set_threads;
    plugin.parallel = parallel;
}

} // namespace starling
