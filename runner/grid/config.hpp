// What a trial is made of: plain structs that the grid fills, each parameter described once beside its default.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analysis/results/results.hpp"
#include "data/cohorts/cohort.hpp"
#include "data/shards/augmentation.hpp"
#include "model/atlas/fusion.hpp"
#include "model/atlas/registration.hpp"
#include "model/model_options.hpp"
#include "runner/search/search_options.hpp"
#include "schedules/schedule.hpp"

namespace crossfade::runner {

struct OptimizerOptions {
  std::string name = "adam";
  double lr = 1e-3;
  double weight_decay = 0;
  double momentum = 0.9;              // sgd
  double beta1 = 0.9, beta2 = 0.999;  // adam, adamw
  double epsilon = 1e-8;              // adam, adamw
  double clip_norm = 0;               // 0: no clipping
  std::string lr_schedule = "constant";
  double warmup = 0;            // part of the stage
  double step_every = 1.0 / 3;  // part of the stage
  double step_factor = 0.1;
  double lr_end = 0;  // of cosine, as a part of lr
};

template <class Visitor>
void describe(Visitor& visit, OptimizerOptions& o) {
  visit.choice("name", o.name, {"adam", "adamw", "sgd"}, "optimiser; sgd has momentum");
  visit.number("lr", o.lr, 1e-12, 100, "learning rate");
  visit.number("weight_decay", o.weight_decay, 0, 10, "L2 penalty (adam, sgd) or decoupled decay (adamw)");
  visit.number("momentum", o.momentum, 0, 0.9999, "momentum of sgd");
  visit.number("beta1", o.beta1, 0, 0.9999, "decay of Adam's first moment");
  visit.number("beta2", o.beta2, 0, 0.999999, "decay of Adam's second moment");
  visit.number("epsilon", o.epsilon, 1e-16, 1, "Adam's denominator");
  visit.number("clip_norm", o.clip_norm, 0, 1e9, "largest 2-norm of the whole gradient; 0: no clipping");
  visit.choice("lr_schedule", o.lr_schedule, {"constant", "step", "cosine"}, "learning rate over the stage");
  visit.number("warmup", o.warmup, 0, 0.9, "part of the stage over which the rate rises linearly from 0");
  visit.number("step_every", o.step_every, 0.001, 1, "lr_schedule step: part of the stage between two steps");
  visit.number("step_factor", o.step_factor, 1e-6, 1, "lr_schedule step: factor of each step");
  visit.number("lr_end", o.lr_end, 0, 1, "lr_schedule cosine: last rate as a part of lr");
}

/// A part of a trial with its own data, epochs, learning rate and loss. It begins with the best net of the stage before
/// it and a new optimiser.
struct StageOptions {
  std::string name;               // key in the grid: pretrain, finetune
  std::string cohort;             // key in the grid's cohorts
  std::string test;               // the same, for the test subjects; empty: those of `cohort`
  std::string labels = "manual";  // that training and validation see: manual or automatic; test sees manual ones always
  int train_subjects = 0;         // the first so many of the training subjects; 0: all
  int first_scan = 0;             // of each training subject
  int scans = 0;                  // from first_scan on; 0: all
  int epochs = 10;
  int patience = 0;  // epochs; 0: the stage has all its epochs
  int batch = 16;    // slices of the global batch
  int crop = 0;      // side of the squares that training slices are cut to; 0: whole slices
  data::AugmentationOptions augmentation;
  // Not described here: the grid's `optimizer` with what the stage says otherwise, and the stage's own `loss`, or that
  // of the trial (first stage), or what the loss of the stage before ended with.
  OptimizerOptions optimizer;
  std::vector<schedules::ScheduledTerm> loss;  // in the order of the grid
};

/// The cohort whose test subjects the stage is scored on.
inline const std::string& test_cohort(const StageOptions& stage) {
  return stage.test.empty() ? stage.cohort : stage.test;
}

template <class Visitor>
void describe(Visitor& visit, StageOptions& s) {
  visit.text("cohort", s.cohort, "name of the cohort trained on");
  visit.text("test", s.test, "name of the cohort whose test subjects are scored, on manual labels; default: the same");
  visit.choice("labels", s.labels, {"manual", "automatic"}, "labels that training and validation see");
  visit.integer("train_subjects", s.train_subjects, 0, 1000000, "the first so many of the training subjects; 0: all");
  visit.integer("first_scan", s.first_scan, 0, 999, "first scan of each training subject that is trained on");
  visit.integer("scans", s.scans, 0, 1000, "scans of each training subject, from first_scan on; 0: all");
  visit.integer("epochs", s.epochs, 1, 100000, "passes over the training slices");
  visit.integer(
      "patience", s.patience, 0, 100000,
      "the stage ends early once validation Dice has not risen for so many epochs, none of them before the last "
      "change of a loss weight or the learning rate; 0: never");
  visit.integer("batch", s.batch, 1, 65536, "slices of the global batch, over all ranks of the trial");
  visit.integer("crop", s.crop, 0, 4096,
                "training slices are cut to squares of this side, at random around their labels; 0: whole slices");
  visit.group("augmentation", s.augmentation, "of training slices; off by default");
}

/// Weights of nets of each plane in a vote on the volume, as QuickNAT has it (Roy et al. 2019: 0.4, 0.4, 0.2). A plane
/// of weight 0 has no net; the axial net alone is a trial without a vote.
struct ViewOptions {
  double axial = 1, coronal = 0, sagittal = 0;
};

template <class Visitor>
void describe(Visitor& visit, ViewOptions& v) {
  visit.number("axial", v.axial, 1e-6, 1, "weight of the net of axial slices in the vote on a volume");
  visit.number("coronal", v.coronal, 0, 1, "the same of coronal slices; 0: no such net");
  visit.number("sagittal", v.sagittal, 0, 1,
               "the same of sagittal slices, whose net sees left and right merged; 0: no such net");
}

/// Segmentation without a net: each training subject is an atlas that is registered to the test subject, and their
/// labels are fused.
struct AtlasOptions {
  std::string fusion = "joint";
  model::JointFusionOptions joint;
  model::RegistrationOptions registration;
};

template <class Visitor>
void describe(Visitor& visit, AtlasOptions& a) {
  visit.choice("fusion", a.fusion, {"majority", "staple", "joint"},
               "majority vote; STAPLE (Warfield et al. 2004); or joint label fusion (Wang et al. 2013), as in PICSL");
  visit.group("joint", a.joint, "joint label fusion");
  visit.group("registration", a.registration, "of each atlas to the test subject, affine and then deformable");
}

/// One cell of the grid with one seed and one fold.
struct TrialConfig {
  std::string variant;
  std::uint64_t seed = 1;
  int fold = 0;
  std::string method = "net";  // key in the grid: net or atlas
  model::Precision precision = model::Precision::kFp32;
  model::ModelOptions model;
  schedules::LossOptions loss_options;
  ViewOptions views;
  AtlasOptions atlas;                // method atlas: counts in place of the three above
  std::vector<StageOptions> stages;  // method atlas: one, of which cohorts, labels, subjects and first scan count
  bool tested = true;                // false: of a search, and no test subject is looked at
};

inline bool uses_atlases(const TrialConfig& trial) {
  return trial.method == "atlas";
}

/// How a study is run; changes no result beyond floating-point summation order, so it is not part of a trial's hash.
struct RunOptions {
  int ranks_per_trial = 0;  // 0: 1 on CPUs, all ranks of a node on GPUs; 1: ranks may share a GPU
  int threads = 0;          // per rank; 0: the cores that the machine's ranks may run on, shared out among them
  int prepare_threads = 0;  // subjects prepared at a time; 0: one a core that the rank may run on
  double branches_gb = 20;  // checkpoints that trials leave for others where their ways part
  bool pictures = true;     // test subjects are drawn at a stage's end
  bool cuda_graph = false;  // a step on a GPU is recorded once and replayed; one rank a trial
};

template <class Visitor>
void describe(Visitor& visit, RunOptions& r) {
  visit.integer(
      "ranks_per_trial", r.ranks_per_trial, 0, 1000000,
      "ranks that train one trial together; 0: 1 on CPUs, all of a node on GPUs; with 1, ranks may share a GPU");
  visit.integer("threads", r.threads, 0, 1024,
                "threads of a rank; 0: the cores that the machine's ranks may run on, shared out among them");
  visit.integer(
      "prepare_threads", r.prepare_threads, 0, 1024,
      "subjects prepared at a time, on one rank; 0: one a core. Each takes some 30 bytes a voxel of its scan");
  visit.number(
      "branches_gb", r.branches_gb, 0, 1e6,
      "gigabytes for the checkpoints that trials of one beginning leave for others where their ways part; what "
      "does not fit is trained again; 0: none");
  visit.flag("pictures", r.pictures,
             "draw the worst, the median and the best test subject at the end of each stage, beside the database: "
             "scan, truth, "
             "prediction and where they differ, for the page and `runner plot slices`");
  visit.flag(
      "cuda_graph", r.cuda_graph,
      "on a GPU with one rank a trial: record a step as a CUDA graph and replay it; built, not yet run on a GPU");
}

template <class Visitor>
void describe(Visitor& visit, analysis::Claim& c) {
  visit.text("better", c.better, "variant that is claimed to have the higher mean Dice, by the name that tables print");
  visit.text("than", c.than, "variant that it is compared with");
  visit.choice("column", c.role, {"pretrained", "finetuned"}, "column of Table 1 that is compared");
  visit.text("most_in", c.most_in,
             "structures, separated by spaces: the claim is that the difference is larger in them than in the others");
}

/// A grid, expanded.
struct Study {
  std::string name;
  std::string caption;
  std::vector<std::pair<std::string, data::CohortSpec>> cohorts;  // in the order of the grid
  RunOptions run;
  std::optional<Search> search;
  std::vector<analysis::Claim> claims;  // in the order of the grid, then those of the search
  std::vector<TrialConfig> trials;      // in the order of the grid: variant, sweep, fold, seed
  std::string text;                     // the grid file after --set, canonical YAML
};

}  // namespace crossfade::runner
