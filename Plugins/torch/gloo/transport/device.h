#pragma once
namespace gloo::transport {
class Device;
// Complete, since c10d's header deletes one.
class UnboundBuffer {
  public:
    virtual ~UnboundBuffer() = 0;
};
} // namespace gloo::transport
