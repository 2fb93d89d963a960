// runner-torch: trains a grid of loss schedules, and reports on what it found.
#include "runner/commands/program.hpp"

int main(int argc, char** argv) {
  using namespace crossfade::runner;
  run_program(argc, argv,
              {.groups = {{"Before a grid", {add_keys, add_prepare}},
                          {"While it runs", {add_status}},
                          {"What came out", {add_report, add_plot, add_page, add_export, add_replay}},
                          {"Nets and other tools", {add_evaluate, add_predict, add_score}}},
               .grid = add_grid_options});
}
