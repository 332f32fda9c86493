// Exceptions of LibTorch as codes and messages.
#pragma once

#include "starling_torch.h"

#include <c10/util/Exception.h>
#include <cstring>
#include <exception>
#include <new>
#include <string>

namespace starling {

// Of this thread's last call that failed.
inline std::string &last_error() {
    thread_local std::string text;
    return text;
}

struct NoDevice : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline int fail(int code, std::string text) {
    // A CUDA error goes on about environment variables for some lines.
    if (const auto end = text.find('\n'); end != std::string::npos) text.resize(end);
    last_error() = std::move(text);
    return code;
}

// Runs `body`; `subject()` says what it was about, and is asked only if it failed.
template <typename Body, typename Subject> int guarded(Body &&body, Subject &&subject) noexcept {
    const auto about = [&](const char *what) { return subject() + what; };
    try {
        body();
        return 0;
    } catch (const NoDevice &error) {
        return fail(STARLING_TORCH_NO_DEVICE, about(error.what()));
    } catch (const c10::OutOfMemoryError &error) {
        return fail(STARLING_TORCH_OUT_OF_MEMORY, about(error.what_without_backtrace()));
    } catch (const std::bad_alloc &error) {
        return fail(STARLING_TORCH_OUT_OF_MEMORY, about("not enough memory"));
    } catch (const c10::Error &error) {
        const char *what = error.what_without_backtrace();
        const bool memory = std::strstr(what, "allocate memory") || std::strstr(what, "out of memory");
        return fail(memory ? STARLING_TORCH_OUT_OF_MEMORY : STARLING_TORCH_FAILED, about(what));
    } catch (const std::exception &error) {
        return fail(STARLING_TORCH_FAILED, about(error.what()));
    } catch (...) {
        return fail(STARLING_TORCH_FAILED, about("an exception of an unknown kind"));
    }
}

template <typename Body> int guarded(Body &&body) noexcept {
    return guarded(std::forward<Body>(body), [] { return std::string(); });
}

} // namespace starling
