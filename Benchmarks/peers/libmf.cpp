// libmf TRAIN VALIDATION USERS ITEMS FACTORS THREADS BLOCKS EPOCHS LAMBDA ETA
// Trains with LIBMF on files of mf_node and prints, beside LIBMF's own table, how long each epoch took: the walk over
// the ratings alone, without LIBMF's sums of penalties and its validation. mf_timed.cpp is LIBMF's mf.cpp with the
// calls of the two functions below added (libmf.py adds them).

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

static std::chrono::steady_clock::time_point started;
static double seconds = -1;

// Called when an epoch's ratings are let loose, after the line about the epoch before was printed.
static void epoch_begins()
{
    if (seconds >= 0) {
        std::printf("epoch_seconds %.6f\n", seconds);
        std::fflush(stdout);
    }
    started = std::chrono::steady_clock::now();
}

static void epoch_ends()
{
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

#include "mf_timed.cpp"

static mf::mf_problem read(char const *path, int users, int items, std::vector<mf::mf_node> &nodes)
{
    std::FILE *file = std::fopen(path, "rb");
    if (!file) {
        std::perror(path);
        std::exit(1);
    }
    std::fseek(file, 0, SEEK_END);
    nodes.resize(std::ftell(file) / sizeof(mf::mf_node));
    std::rewind(file);
    if (std::fread(nodes.data(), sizeof(mf::mf_node), nodes.size(), file) != nodes.size()) std::exit(1);
    std::fclose(file);
    return mf::mf_problem{users, items, (mf::mf_long)nodes.size(), nodes.data()};
}

int main(int count, char **words)
{
    if (count != 11) {
        std::fprintf(stderr, "libmf: wrong arguments\n");
        return 64;
    }
    std::vector<mf::mf_node> train, validation;
    int const users = std::atoi(words[3]), items = std::atoi(words[4]);
    mf::mf_problem tr = read(words[1], users, items, train), va = read(words[2], users, items, validation);
    mf::mf_parameter parameter = mf::mf_get_default_param();
    parameter.k = std::atoi(words[5]);
    parameter.nr_threads = std::atoi(words[6]);
    parameter.nr_bins = std::atoi(words[7]);
    parameter.nr_iters = std::atoi(words[8]);
    parameter.lambda_p2 = parameter.lambda_q2 = std::atof(words[9]);
    parameter.eta = std::atof(words[10]);
    parameter.copy_data = false;
    mf::mf_model *model = mf::mf_train_with_validation(&tr, &va, parameter);
    mf::mf_destroy_model(&model);
    return 0;
}
