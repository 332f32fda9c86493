// One boxed call into the dispatcher, which reaches every operator by name.
#include "errors.h"
#include "tensors.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

namespace starling {

namespace {

const c10::OperatorHandle &operation(const starling_operator *found) {
    return *reinterpret_cast<const c10::OperatorHandle *>(found);
}

int find(const char *name, const char *overload, starling_operator **found) {
    return guarded([&] {
        auto result = c10::Dispatcher::singleton().findSchema({name, overload});
        const auto dot = *overload ? "." : "";
        TORCH_CHECK(result, "this LibTorch has no operator ", name, dot, overload);
        *found = reinterpret_cast<starling_operator *>(new c10::OperatorHandle(*result));
    });
}

bool takes_nothing(const c10::Type &type) { return type.kind() == c10::TypeKind::OptionalType; }

const c10::Type &within(const c10::Type &type) {
    return takes_nothing(type) ? *type.castRaw<c10::OptionalType>()->getElementType() : type;
}

c10::IValue tensors(const starling_value &value, const c10::Type &type) {
    const auto *list = within(type).castRaw<c10::ListType>();
    if (list && takes_nothing(*list->getElementType())) {
        c10::List<std::optional<at::Tensor>> result;
        result.reserve(value.count);
        for (size_t i = 0; i < value.count; i++) {
            auto *member = value.value.tensors[i];
            result.push_back(member ? std::optional(tensor(member)) : std::nullopt);
        }
        return result;
    }
    c10::List<at::Tensor> result;
    result.reserve(value.count);
    for (size_t i = 0; i < value.count; i++) {
        TORCH_CHECK(value.value.tensors[i], "a tensor is missing in the list");
        result.push_back(tensor(value.value.tensors[i]));
    }
    return result;
}

// The value as the operator's argument of this type takes it.
c10::IValue boxed(const starling_value &value, const c10::Argument &argument) {
    const auto &type = *argument.real_type();
    switch (value.kind) {
    case STARLING_NONE: return {};
    case STARLING_TENSOR: return tensor(value.value.tensor);
    case STARLING_INTEGER:
        if (within(type).kind() == c10::TypeKind::FloatType) return static_cast<double>(value.value.integer);
        return value.value.integer;
    case STARLING_NUMBER: return value.value.number;
    case STARLING_BOOLEAN: return value.value.integer != 0;
    case STARLING_INTEGERS: return c10::List<int64_t>(at::ArrayRef(value.value.integers, value.count));
    case STARLING_NUMBERS: return c10::List<double>(at::ArrayRef(value.value.numbers, value.count));
    case STARLING_TENSORS: return tensors(value, type);
    case STARLING_TEXT: return std::string(value.value.text);
    case STARLING_DEVICE: return c10::Device(value.value.text);
    default: TORCH_CHECK(false, "argument ", argument.name(), " is of an unknown kind");
    }
}

// Arguments in the schema's order, with its defaults where none is given.
torch::jit::Stack stack(const c10::FunctionSchema &schema, const starling_value *values, size_t count) {
    const auto &arguments = schema.arguments();
    torch::jit::Stack result(arguments.size());
    std::vector<bool> given(arguments.size());
    for (size_t i = 0; i < count; i++) {
        size_t place = i;
        if (values[i].name) {
            const auto found = schema.argumentIndexWithName(values[i].name);
            TORCH_CHECK(found, "it has no argument ", values[i].name);
            place = *found;
        }
        TORCH_CHECK(place < arguments.size(), "it takes ", arguments.size(), " arguments, not ", count);
        result[place] = boxed(values[i], arguments[place]);
        given[place] = true;
    }
    for (size_t place = 0; place < arguments.size(); place++) {
        if (given[place]) continue;
        TORCH_CHECK(arguments[place].default_value(), "argument ", arguments[place].name(), " is missing");
        result[place] = *arguments[place].default_value();
    }
    return result;
}

void add(const c10::IValue &value, std::vector<starling_value> &results) {
    starling_value result{};
    if (value.isTensor()) {
        const auto &own = value.toTensor();
        result.kind = own.defined() ? STARLING_TENSOR : STARLING_NONE;
        if (own.defined()) result.value.tensor = handle(own);
    } else if (value.isTensorList()) {
        for (const at::Tensor &own : value.toTensorList()) add(own, results);
        return;
    } else if (value.isInt()) {
        result.kind = STARLING_INTEGER;
        result.value.integer = value.toInt();
    } else if (value.isDouble()) {
        result.kind = STARLING_NUMBER;
        result.value.number = value.toDouble();
    } else if (value.isBool()) {
        result.kind = STARLING_BOOLEAN;
        result.value.integer = value.toBool();
    } else if (value.isNone()) {
        result.kind = STARLING_NONE;
    } else {
        TORCH_CHECK(false, "its result is of an unknown kind, ", value.tagKind());
    }
    results.push_back(result);
}

// "aten::mm(Float [3, 4], Float [5, 6]): "
std::string described(const c10::OperatorHandle &operation, const starling_value *values, size_t count) {
    std::string text = operation.schema().name() + "(";
    for (size_t i = 0; i < count; i++) {
        if (i) text += ", ";
        if (values[i].name) text += std::string(values[i].name) + ": ";
        switch (values[i].kind) {
        case STARLING_TENSOR: text += describe(tensor(values[i].value.tensor)); break;
        case STARLING_TENSORS: text += std::to_string(values[i].count) + " tensors"; break;
        case STARLING_INTEGER: text += std::to_string(values[i].value.integer); break;
        case STARLING_NUMBER: text += std::to_string(values[i].value.number); break;
        case STARLING_BOOLEAN: text += values[i].value.integer ? "true" : "false"; break;
        case STARLING_INTEGERS: text += c10::str(at::ArrayRef(values[i].value.integers, values[i].count)); break;
        case STARLING_TEXT: case STARLING_DEVICE: text += values[i].value.text; break;
        case STARLING_NONE: text += "none"; break;
        default: text += "…";
        }
    }
    return text + "): ";
}

int call(
    starling_operator *found, const starling_value *arguments, size_t count, const starling_value **results,
    size_t *result_count) {
    const auto &own = operation(found);
    return guarded(
        [&] {
            thread_local std::vector<starling_value> values;
            auto boxes = stack(own.schema(), arguments, count);
            own.callBoxed(boxes);
            values.clear();
            for (const auto &value : boxes) add(value, values);
            *results = values.data();
            *result_count = values.size();
        },
        [&] { return described(own, arguments, count); });
}

} // namespace

void add_operators(starling_torch &plugin) {
    plugin.find = find;
    plugin.call = call;
}

} // namespace starling
