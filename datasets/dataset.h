#pragma once
// Labelled images in memory, and where they come from.

#include "core/array.h"
#include "datasets/images.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace hemp {

struct Dataset {
    std::string              name;
    Images                   images;
    Array                    labels;  ///< i32 [N], each an index into `classes`
    std::vector<std::string> classes;
    std::vector<std::string> skipped;     ///< for each image left out, the reason
    std::vector<std::string> notes = {};  ///< what one may have overlooked, what went wrong with the cache

    int64_t size() const { return labels.size(); }
};

enum class Part { train, test };

/// "train" or "test"
std::string_view name_of(Part part);

enum class OnBadImage {
    fail,  ///< throw a DataError that names the image
    skip,  ///< leave the image out and say so in Dataset::skipped
};

struct LoadOptions {
    std::string format;  ///< digits, mnist, cifar10, cifar100, images; empty: recognise it
    /// Bytes, for the images and for any one file. Decoded images of a folder that take more lie on the disk, in
    /// `cache`, but for grey ones where no `image` says how many channels are wanted.
    size_t max_memory = size_t{1} << 30;

    // Of image folders.
    OnBadImage            on_bad_image = OnBadImage::fail;
    Shape                 image   = Shape{};  ///< [C, H, W] that a network takes; a scalar: images stay as they are
    int                   threads = 1;        ///< that decode; they change no bit
    std::filesystem::path cache   = {};       ///< folder for packed images; empty: decode each time
};

/// Loads one part of a data set.
///   source    "digits", or a folder in one of these layouts, recognised by what is in it:
///             MNIST's four IDX files (packed by gzip or not), CIFAR-10's or CIFAR-100's binary batches,
///             or images as train/CLASS/*.jpg and test/CLASS/*.jpg (.jpeg and .png too)
///   throws    UsageError if the format is unknown or not recognised, Error if a file cannot be read, DataError if one
///             is damaged or the images need more than `max_memory`
Dataset load_dataset(const std::string& source, Part part, const LoadOptions& options = {});

/// The images at `indices`, in that order, in the same memory.
Dataset subset(const Dataset& dataset, std::span<const int64_t> indices);

struct Holdout {
    Dataset train;
    Dataset validation;
};

/// Splits a training part: after a shuffle by the seed, the last twelfth is held out for validation.
Holdout hold_out(const Dataset& dataset, uint64_t seed);

/// Throws DataError that begins with `where` unless `count` images of [C, H, W] fit into `max_memory` bytes.
void check_memory(int64_t count, const Shape& image, size_t max_memory, const std::string& where);

}  // namespace hemp
