// The classes of the paper: 27 structures and "none of these".
#pragma once

#include <array>
#include <string_view>

namespace crossfade::data {

inline constexpr int kClasses = 28;

/// Names by class id, in the order of QuickNAT (Roy et al. 2019); class 0 is "none of these".
inline constexpr std::array<std::string_view, kClasses> kStructures = {
    "None",
    "Left-Cerebral-White-Matter",
    "Left-Cerebral-Cortex",
    "Right-Cerebral-White-Matter",
    "Right-Cerebral-Cortex",
    "Left-Lateral-Ventricle",
    "Left-Cerebellum-White-Matter",
    "Left-Cerebellum-Cortex",
    "Left-Thalamus",
    "Left-Caudate",
    "Left-Putamen",
    "Left-Pallidum",
    "3rd-Ventricle",
    "4th-Ventricle",
    "Brain-Stem",
    "Left-Hippocampus",
    "Left-Amygdala",
    "Left-VentralDC",
    "Right-Lateral-Ventricle",
    "Right-Cerebellum-White-Matter",
    "Right-Cerebellum-Cortex",
    "Right-Thalamus",
    "Right-Caudate",
    "Right-Putamen",
    "Right-Pallidum",
    "Right-Hippocampus",
    "Right-Amygdala",
    "Right-VentralDC",
};

}  // namespace crossfade::data
