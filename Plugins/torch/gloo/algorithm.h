// LibTorch's wheel brings c10d's header for Gloo, but not Gloo's own headers, of which that header needs the names below. Gloo
// itself is inside LibTorch; here nothing of it is called, and its objects are held by pointers alone.
#pragma once
