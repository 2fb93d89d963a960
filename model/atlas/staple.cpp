#include <itkImage.h>
#include <itkMultiLabelSTAPLEImageFilter.h>
#include <itkVersion.h>

#include <algorithm>
#include <stdexcept>

#include "data/labels/classes.hpp"
#include "model/atlas/atlas_check.hpp"
#include "model/atlas/box.hpp"
#include "model/atlas/fusion.hpp"

namespace crossfade::model {
namespace {

using Image = itk::Image<std::uint16_t, 3>;  // ITK counts in this type to beyond the number of labels, up to 255

constexpr unsigned kIterations = 200;  // ITK's own default is to go on until nothing changes, however long that takes
constexpr std::uint16_t kUndecided = 65535;  // no class

Image::Pointer itk_image(const std::vector<std::uint8_t>& voxels, const std::array<int, 3>& size) {
  Image::SizeType extent;
  for (unsigned a = 0; a < 3; ++a) extent[a] = static_cast<Image::SizeValueType>(size[a]);
  auto image = Image::New();
  image->SetRegions(extent);
  image->Allocate();
  std::ranges::copy(voxels, image->GetBufferPointer());
  return image;
}

}  // namespace

std::string itk_version() {
  return itk::Version::GetITKVersion();
}

std::optional<std::vector<std::uint8_t>> staple(const std::vector<WarpedAtlas>& atlases, const std::array<int, 3>& size,
                                                const std::function<bool()>& stop_requested) {
  std::vector<std::uint8_t> fused = majority_vote(atlases);
  const Box box = labelled_box(atlases, size, 0);
  std::vector<std::uint8_t> part = cut(fused, size, box);
  if (part.empty()) return fused;
  auto filter = itk::MultiLabelSTAPLEImageFilter<Image, Image, double>::New();
  filter->SetMaximumNumberOfIterations(kIterations);
  filter->SetLabelForUndecidedPixels(kUndecided);
  for (std::size_t a = 0; a < atlases.size(); ++a) {
    std::vector<std::uint8_t> labels = cut(atlases[a].labels, size, box);
    for (std::size_t v = 0; v < labels.size(); ++v)
      if (labels[v] == data::kIgnored) labels[v] = part[v];
    filter->SetInput(static_cast<unsigned>(a), itk_image(labels, box.size()));
  }
  bool stopped = false;
  filter->AddObserver(itk::IterationEvent(), [&](const itk::EventObject&) {
    if (stop_requested()) filter->SetAbortGenerateData(stopped = true);
  });
  try {
    filter->Update();
  } catch (const itk::ExceptionObject& error) {
    throw std::runtime_error(std::string("STAPLE: ") + error.GetDescription());
  }
  if (stopped) return std::nullopt;
  const std::uint16_t* from = filter->GetOutput()->GetBufferPointer();
  for (std::uint8_t& label : part) {
    if (*from != kUndecided) label = static_cast<std::uint8_t>(*from);
    ++from;
  }
  paste(part, box, size, fused);
  return fused;
}

}  // namespace crossfade::model
