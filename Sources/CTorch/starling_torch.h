// What Starling's room Torch asks of LibTorch. Plugins/torch implements it in C++ and is built against one LibTorch;
// Sources/Torch opens it when a tensor is first needed. Nothing else crosses between the two.
//
// Functions return 0, or a code below; what went wrong is then last_error() of the same thread. Tensors that a function gives
// are owned by the caller, who gives each to release() once. Everything may be called from several threads.
#ifndef STARLING_TORCH_H
#define STARLING_TORCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Raised by one with every change of this file.
enum { STARLING_TORCH_ABI = 5 };

enum {
    STARLING_TORCH_FAILED = 1,
    STARLING_TORCH_OUT_OF_MEMORY = 2,
    // A device, or the driver or library that it needs, is not there.
    STARLING_TORCH_NO_DEVICE = 3,
};

typedef struct starling_tensor starling_tensor;
// Found once, and there as long as the process.
typedef struct starling_operator starling_operator;
typedef struct starling_group starling_group;
typedef struct starling_transfer starling_transfer;

enum {
    STARLING_NONE,
    STARLING_TENSOR,
    STARLING_INTEGER, // also a dtype: c10::ScalarType
    STARLING_NUMBER,
    STARLING_BOOLEAN,
    STARLING_INTEGERS,
    STARLING_NUMBERS,
    STARLING_TENSORS, // null pointers are None where the operator allows them
    STARLING_TEXT,
    STARLING_DEVICE, // as a text: "cuda:1"
};

// An argument or a result of an operator.
typedef struct {
    const char *name; // of an argument given by name; null: the next one in order. Those by name come last.
    int32_t kind;
    size_t count; // of a list
    union {
        starling_tensor *tensor;
        int64_t integer; // also a boolean
        double number;
        const int64_t *integers;
        const double *numbers;
        starling_tensor *const *tensors;
        const char *text;
    } value;
} starling_value;

typedef struct {
    int32_t dtype; // c10::ScalarType
    int32_t device_type; // c10::DeviceType: 0 CPU, 1 CUDA
    int32_t device_index;
    int32_t requires_grad;
    size_t rank;
    const int64_t *sizes; // [rank], as long as the tensor is held and not resized
    int64_t count;        // elements
    void *data;           // where the elements lie in C order, if they do and in the CPU's memory; otherwise null
} starling_tensor_info;

// Bytes on a device, and how busy it is.
typedef struct {
    int64_t allocated, peak; // by tensors, now and at most since the last reset
    int64_t reserved;
    int64_t free, total; // on the whole device
    int32_t utilization; // percent of the last moments in which it computed, by NVIDIA's management library; −1 without it
} starling_device_use;

typedef struct {
    uint32_t abi; // STARLING_TORCH_ABI of the plugin; the only member that every version has, at this place
    const char *version; // of LibTorch, as it is loaded
    const char *built_for; // of LibTorch, when the plugin was built
    const char *(*last_error)(void);

    // Operators: "aten::add", "Tensor". Results stay valid until the thread's next call; tensors among them are owned by
    // the caller, and lists of tensors come as one value for each.
    int (*find)(const char *name, const char *overload, starling_operator **found);
    int (*call)(
        starling_operator *operation, const starling_value *arguments, size_t count, const starling_value **results,
        size_t *result_count);

    // A tensor in the CPU's memory, copied from `data` in C order; uninitialised where that is null.
    int (*make)(const void *data, int32_t dtype, const int64_t *sizes, size_t rank, starling_tensor **made);
    // A tensor that is memory of the caller's, which is given back with done(context) when no tensor uses it any more.
    int (*wrap)(
        void *data, int32_t dtype, const int64_t *sizes, size_t rank, void (*done)(void *), void *context,
        starling_tensor **made);
    void (*release)(starling_tensor *tensor);
    // Tensors that are not released.
    int64_t (*held)(void);
    void (*info)(const starling_tensor *tensor, starling_tensor_info *info);
    // Copies the elements in C order, from whatever device.
    int (*read)(const starling_tensor *tensor, void *target, size_t bytes);

    // Autograd. `gradients` may be null, or have null members for scalars.
    int (*set_requires_grad)(starling_tensor *tensor, int requires_grad);
    int (*backward)(
        starling_tensor *const *tensors, starling_tensor *const *gradients, size_t count, int retains_graph);
    // Null if there is none.
    int (*gradient)(const starling_tensor *tensor, starling_tensor **gradient);
    int (*set_gradient)(starling_tensor *tensor, const starling_tensor *gradient);
    // Records a function that was computed beside the operators: `recorded` is `output`, made of `inputs`. A backward pass
    // calls backward(context, gradient, gradients), which owns `gradient`, puts a tensor of its own for each input that needs
    // one into `gradients`, to be kept until done(context), and returns 0 or a code. done(context) is called once.
    int (*record)(
        starling_tensor *const *inputs, size_t count, const starling_tensor *output,
        int (*backward)(void *, starling_tensor *, starling_tensor **), void (*done)(void *), void *context,
        starling_tensor **recorded);
    // Of this thread; return what held before.
    int (*set_grad_mode)(int enabled);
    // Runs operators of a device type in `dtype` where that is safe, until it is called with enabled = 0.
    int (*set_autocast)(int32_t device_type, int enabled, int32_t dtype);

    int (*device_count)(int32_t device_type, int32_t *count);
    int (*synchronize)(int32_t device_index);
    int (*use)(int32_t device_index, starling_device_use *use);
    int (*reset_peak_memory)(int32_t device_index);
    int (*empty_cache)(void);

    // Random numbers: all devices'; the state of one.
    int (*seed)(uint64_t seed);
    int (*random_state)(int32_t device_type, int32_t device_index, starling_tensor **state);
    int (*set_random_state)(int32_t device_type, int32_t device_index, const starling_tensor *state);
    int (*set_threads)(int32_t threads);
    // Calls body(context, first, last) on LibTorch's own threads for parts of 0..<count, and waits: other threads beside them
    // would take each other's processors.
    int (*parallel)(int64_t count, void (*body)(void *, int64_t, int64_t), void *context);

    // Process groups ("gloo", or "nccl", whose tensors lie on CUDA devices). All meet at host:port, where the one that `serves` listens, and block until all `size` are
    // there or the time is over; groups of other names may meet at the same place. The calls below block until this rank's
    // part is done; every rank makes them in the same order.
    int (*join_group)(
        const char *backend, const char *host, int32_t port, int32_t serves, int32_t rank, int32_t size,
        int64_t milliseconds, const char *name, starling_group **group);
    void (*leave_group)(starling_group *group);
    // Adds the ranks' tensors up, in place.
    int (*all_reduce)(starling_group *group, starling_tensor *tensor);
    // Puts the ranks' tensors behind one another: `target` has size times the elements.
    int (*all_gather)(starling_group *group, starling_tensor *target, const starling_tensor *own);
    // Sends own_counts[r] of the first axis to rank r, and receives target_counts[r] from it, each behind one another.
    int (*all_to_all)(
        starling_group *group, starling_tensor *target, const int64_t *target_counts, const starling_tensor *own,
        const int64_t *own_counts);
    int (*broadcast)(starling_group *group, starling_tensor *tensor, int32_t root);
    int (*barrier)(starling_group *group);
    // Begin to send or receive bytes of the CPU's memory, which must stay as they are until `finish`, which waits and lets the
    // transfer go. What one rank sends another arrives in order.
    int (*send)(starling_group *group, const void *bytes, int64_t count, int32_t to, starling_transfer **transfer);
    int (*receive)(starling_group *group, void *bytes, int64_t count, int32_t from, starling_transfer **transfer);
    int (*finish)(starling_transfer *transfer);
} starling_torch;

// The plugin's one symbol.
const starling_torch *starling_torch_plugin(void);

#ifdef __cplusplus
}
#endif

#endif
