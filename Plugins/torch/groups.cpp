// Process groups: c10d's, met at a TCP store.
#include "errors.h"
#include "nccl_group.h"
#include "tensors.h"

#include <dlfcn.h>

#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

struct starling_group {
    c10::intrusive_ptr<c10d::Backend> backend;
    int size;
};

struct starling_transfer {
    c10::intrusive_ptr<c10d::Work> work;
};

namespace starling {

namespace {

at::Tensor bytes_at(const void *bytes, int64_t count) {
    return at::from_blob(const_cast<void *>(bytes), {count}, at::TensorOptions().dtype(at::kByte));
}

// The group over NCCL is in a library of its own, beside this one.
decltype(starling_nccl_group) *nccl_group() {
    need_cuda();
    Dl_info self;
    TORCH_CHECK(dladdr(reinterpret_cast<const void *>(&nccl_group), &self), "no path of this plugin");
    const std::string path(self.dli_fname);
    void *library = dlopen((path.substr(0, path.rfind('/') + 1) + "libstarling_nccl.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    TORCH_CHECK(library, "NCCL's part of the plugin cannot be opened: ", dlerror());
    return reinterpret_cast<decltype(starling_nccl_group) *>(dlsym(library, "starling_nccl_group"));
}

int join_group(
    const char *backend, const char *host, int32_t port, int32_t serves, int32_t rank, int32_t size, int64_t milliseconds,
    const char *name, starling_group **group) {
    return guarded([&] {
        const std::string kind(backend);
        TORCH_CHECK(kind == "gloo" || kind == "nccl", "this plugin knows no process groups of ", kind);
        const auto nccl = kind == "nccl" ? nccl_group() : nullptr;
        const std::chrono::milliseconds timeout(milliseconds);
        c10d::TCPStoreOptions options;
        options.port = static_cast<uint16_t>(port);
        options.isServer = serves != 0;
        options.timeout = timeout;
        const auto store = c10::make_intrusive<c10d::PrefixStore>(name, c10::make_intrusive<c10d::TCPStore>(host, options));
        c10::intrusive_ptr<c10d::Backend> made;
        if (nccl) {
            nccl(store, rank, size, timeout, made);
        } else {
            made = c10::make_intrusive<c10d::ProcessGroupGloo>(
                store, rank, size, c10d::ProcessGroupGloo::Options::create_default(timeout));
        }
        *group = new starling_group{std::move(made), size};
    });
}

void leave_group(starling_group *group) {
    // NCCL's has threads and connections to give back before its memory.
    guarded([&] { group->backend->shutdown(); });
    delete group;
}

int all_reduce(starling_group *group, starling_tensor *own) {
    return guarded([&] {
        std::vector<at::Tensor> tensors{tensor(own)};
        group->backend->allreduce(tensors)->wait();
    });
}

int all_gather(starling_group *group, starling_tensor *target, const starling_tensor *own) {
    return guarded([&] {
        at::Tensor all = tensor(target), part = tensor(own);
        group->backend->_allgather_base(all, part)->wait();
    });
}

int all_to_all(
    starling_group *group, starling_tensor *target, const int64_t *target_counts, const starling_tensor *own,
    const int64_t *own_counts) {
    return guarded([&] {
        at::Tensor received = tensor(target), sent = tensor(own);
        std::vector<int64_t> in(target_counts, target_counts + group->size), out(own_counts, own_counts + group->size);
        group->backend->alltoall_base(received, sent, in, out)->wait();
    });
}

int broadcast(starling_group *group, starling_tensor *own, int32_t root) {
    return guarded([&] {
        std::vector<at::Tensor> tensors{tensor(own)};
        c10d::BroadcastOptions options;
        options.rootRank = root;
        group->backend->broadcast(tensors, options)->wait();
    });
}

int barrier(starling_group *group) {
    return guarded([&] { group->backend->barrier()->wait(); });
}

int send(starling_group *group, const void *bytes, int64_t count, int32_t to, starling_transfer **transfer) {
    return guarded([&] {
        std::vector<at::Tensor> tensors{bytes_at(bytes, count)};
        *transfer = new starling_transfer{group->backend->send(tensors, to, 0)};
    });
}

int receive(starling_group *group, void *bytes, int64_t count, int32_t from, starling_transfer **transfer) {
    return guarded([&] {
        std::vector<at::Tensor> tensors{bytes_at(bytes, count)};
        *transfer = new starling_transfer{group->backend->recv(tensors, from, 0)};
    });
}

int finish(starling_transfer *transfer) {
    const std::unique_ptr<starling_transfer> owned(transfer);
    return guarded([&] { owned->work->wait(); });
}

} // namespace

void add_groups(starling_torch &plugin) {
    plugin.join_group = join_group;
    plugin.leave_group = leave_group;
    plugin.all_reduce = all_reduce;
    plugin.all_gather = all_gather;
    plugin.all_to_all = all_to_all;
    plugin.broadcast = broadcast;
    plugin.barrier = barrier;
    plugin.send = send;
    plugin.receive = receive;
    plugin.finish = finish;
}

} // namespace starling
