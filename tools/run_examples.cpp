// Reads lines "library function" and calls each function with the handle of a tensor: float32, on
// the CPU, of the shape {2, 3}, contiguous, with the values 0 to 5. Each runs in a process of its
// own. Prints one JSON string a line: what went wrong, or "".
//
// It uses no header of torch's, so that it is the same for every release.

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>

extern "C" {
int32_t aoti_torch_create_tensor_from_blob(void*, int64_t, const int64_t*, const int64_t*, int64_t,
                                           int32_t, int32_t, int32_t, void**);
int32_t aoti_torch_dtype_float32();
int32_t aoti_torch_device_type_cpu();
}

static std::string call(const std::string& library, const std::string& function) {
  void* opened = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) return dlerror();
  auto run = reinterpret_cast<void (*)(void*)>(dlsym(opened, function.c_str()));
  if (run == nullptr) return dlerror();
  static float values[6] = {0, 1, 2, 3, 4, 5};
  const int64_t sizes[2] = {2, 3}, strides[2] = {3, 1};
  void* handle = nullptr;
  if (aoti_torch_create_tensor_from_blob(values, 2, sizes, strides, 0, aoti_torch_dtype_float32(),
                                         aoti_torch_device_type_cpu(), 0, &handle) != 0) {
    return "torch does not make the tensor";
  }
  run(handle);
  return "";
}

static std::string guarded(const std::string& library, const std::string& function) {
  try {
    return call(library, function);
  } catch (const std::exception& error) {
    std::string text = error.what();
    return "throws: " + text.substr(0, text.find('\n'));
  } catch (...) {
    return "throws something that is no std::exception";
  }
}

static std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (unsigned char one : text) {
    if (one == '"' || one == '\\') out += '\\';
    out += one < 0x20 ? ' ' : static_cast<char>(one);
  }
  return out + "\"";
}

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string library, function;
    words >> library >> function;
    int ends[2];
    if (pipe(ends) != 0) return 1;
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
      alarm(60);
      const std::string said = guarded(library, function);
      (void)!write(ends[1], said.data(), said.size());
      _exit(0);
    }
    close(ends[1]);
    std::string said;
    char buffer[4096];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;) said.append(buffer, got);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) said = std::string("ends with signal ") + strsignal(WTERMSIG(status));
    std::cout << quoted(said) << std::endl;
  }
}
