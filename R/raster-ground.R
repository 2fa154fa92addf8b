# The ground that windows are cut from: one scene, or the rasters of a model's inputs, which lie over each other and may
# have pixels of different sizes. Places and sizes of windows are in pixels of the finest raster.

# One scene as a ground of its own; what is a ground stays one.
as_ground <- function(scene) {
  if (is_ground(scene)) {
    return(scene)
  }
  list(scenes = list(scene), ratios = 1, step = 1, finest = scene, numbers = list(), several = FALSE)
}

is_ground <- function(ground) is.list(ground) && !is.null(ground$ratios)

# Rasters under the names of a model's inputs as one ground, and rows of numbers, which are the same everywhere. `order`
# are all these names.
join_ground <- function(scenes, numbers = list(), order = names(scenes)) {
  ratios <- same_ground(scenes)
  list(
    scenes = scenes, ratios = ratios, step = Reduce(common_multiple, ratios), finest = scenes[[which.min(ratios)]],
    numbers = numbers, several = TRUE, order = order
  )
}

common_multiple <- function(a, b) {
  multiples <- a * seq_len(b)
  multiples[multiples %% b == 0][[1]]
}

# How many pixels of the finest raster there are along one of each. They must cover the same ground, pixel by pixel.
same_ground <- function(scenes, called = paste0("`raster$", names(scenes), "`")) {
  first <- scenes[[1]]
  sizes <- vapply(scenes, terra::res, c(0, 0))
  finest <- which.min(sizes[1, ])
  grain <- sizes[, finest]
  for (i in seq_along(scenes)[-1]) {
    own <- scenes[[i]]
    if (!same_crs(first, own)) {
      cause("raster", paste0(called[[i]], " has another coordinate reference system than ", called[[1]], "."),
        expected = crs_text_of(first), given = crs_text_of(own),
        fix = "bring it to the others' with `terra::project()`"
      )
    }
    distance <- abs(as.vector(terra::ext(own)) - as.vector(terra::ext(first)))
    if (any(distance > rep(grain, each = 2) / 100)) {
      apart <- !isTRUE(as.logical(terra::relate(terra::ext(own), terra::ext(first), "intersects")))
      cause("raster",
        paste0(called[[i]], if (apart) " lies elsewhere than " else " covers other ground than ", called[[1]], "."),
        expected = extent_text(first), given = extent_text(own),
        fix = if (!apart) paste0(
          "cut both to whole pixels of what they share with `terra::crop()`, or resample one to the other's grid: ",
          "`terra::resample(a, terra::rast(terra::ext(b), resolution = terra::res(a), crs = terra::crs(b)))`"
        )
      )
    }
  }
  ratios <- sizes / grain
  whole <- round(ratios)
  off <- which(apply(abs(ratios - whole) > 1e-3 | whole != rep(whole[1, ], each = 2), 2, any))
  if (length(off) > 0) {
    wrong <- off[[1]]
    cause("raster", paste0("Pixels of ", called[[wrong]], " are not made of whole pixels of ", called[[finest]], "."),
      expected = paste0("a multiple of ", resolution_text(grain)), given = resolution_text(sizes[, wrong]),
      fix = paste0(
        "resample it, such as `terra::resample(raster, terra::rast(terra::ext(finest), resolution = ",
        "2 * terra::res(finest), crs = terra::crs(finest)))`"
      )
    )
  }
  stats::setNames(whole[1, ], names(scenes))
}

resolution_text <- function(size) paste(format(unique(signif(size, 7)), trim = TRUE), collapse = " x ")

crs_text_of <- function(x) if (nzchar(terra::crs(x))) crs_name(x) else "none"

# Windows by the row and column of their upper left pixels in the finest raster: an array, windows x rows x columns x
# bands, or for several inputs a list of such.
read_windows <- function(ground, top, left, size, bar = NULL) {
  ground <- as_ground(ground)
  if (!ground$several) {
    return(read_patches(ground$finest, top, left, size, bar))
  }
  read <- Map(
    function(scene, ratio) read_patches(scene, (top - 1) / ratio + 1, (left - 1) / ratio + 1, size / ratio),
    ground$scenes, ground$ratios
  )
  rows <- lapply(ground$numbers, function(own) {
    matrix(own, length(top), length(own), byrow = TRUE, dimnames = list(NULL, names(own)))
  })
  c(read, rows)[ground$order]
}

# The same of arrays of windows, and of lists of them.
of_windows <- function(windows, f) if (is.list(windows)) lapply(windows, f) else f(windows)

n_windows <- function(windows) nrow(if (is.list(windows)) windows[[1]] else windows)

take_windows <- function(windows, which) {
  of_windows(windows, function(own) {
    if (is.matrix(own)) own[which, , drop = FALSE] else own[which, , , , drop = FALSE]
  })
}

# Which windows have a finite value everywhere.
is_complete <- function(windows) {
  Reduce(`&`, lapply(if (is.list(windows)) windows else list(windows), function(own) is.finite(rowSums(own))))
}

bind_patches <- function(parts) {
  if (is.list(parts[[1]])) {
    names <- names(parts[[1]])
    return(sapply(names, function(name) bind_patches(lapply(parts, `[[`, name)), simplify = FALSE))
  }
  size <- dim(parts[[1]])
  bound <- do.call(rbind, lapply(parts, function(part) matrix(part, ncol = prod(size[-1]))))
  array(bound, c(nrow(bound), size[-1]), dimnames(parts[[1]]))
}

# Up to n windows without missing values, from random places.
random_patches <- function(ground, size, n, seed) {
  ground <- as_ground(ground)
  places <- (dim(ground$finest)[1:2] - size) %/% ground$step + 1
  tries <- min(prod(places), max(100 * n, 1e4))
  cells <- with_seed(seed, sample.int(prod(places), tries)) - 1
  found <- list()
  at <- function(position) position * ground$step + 1
  for (tried in split(cells, (seq_along(cells) - 1) %/% (2 * n))) {
    windows <- read_windows(ground, at(tried %/% places[[2]]), at(tried %% places[[2]]), size)
    found <- c(found, list(take_windows(windows, is_complete(windows))))
    if (sum(vapply(found, n_windows, 0L)) >= n) break
  }
  n <- min(n, sum(vapply(found, n_windows, 0L)))
  if (n == 0) {
    cause("raster", "No patch without missing values was found in the scene.",
      given = paste0(count(tries, "patch", "patches"), " of ", size, " x ", size, " pixels at random places")
    )
  }
  take_windows(bind_patches(found), seq_len(n))
}

# ---- What a model takes ---------------------------------------------------------------------------------------------

# Shapes of the inputs of a Keras model by their names, -1 where a size is open; none where a model does not say.
inputs_of <- function(model) as.list(call_bridge("model_inputs", model))

# The rasters of a model's inputs as one ground; a row of numbers is a vector.
input_ground <- function(raster, inputs) {
  wanted <- paste0(names(inputs), " (", vapply(inputs, input_text, ""), ")")
  if (!is_scene_list(raster)) {
    cause("raster", "The model has several inputs, and `raster` is one raster.",
      expected = paste0("a list with one for each: ", some(wanted)), given = shown(raster),
      fix = paste0(
        "`list(", some(paste0(names(inputs), " = ...")), ")`; the rasters may have pixels of different sizes"
      )
    )
  }
  if (is.null(names(raster)) && length(raster) == length(inputs)) {
    names(raster) <- names(inputs)
  }
  if (!setequal(names(raster), names(inputs)) || anyDuplicated(names(raster)) > 0) {
    unknown <- setdiff(names(raster), c(names(inputs), ""))
    cause("raster", "`raster` does not hold what the model's inputs take.",
      expected = some(wanted),
      given = if (is.null(names(raster))) count(length(raster), "raster") else some(shown_names(names(raster))),
      fix = if (length(unknown) > 0) nearest(unknown, names(inputs))
    )
  }
  raster <- raster[names(inputs)]
  spatial <- lengths(inputs) == 3
  for (name in names(inputs)[!spatial]) {
    check_numbers(raster[[name]], name, inputs[[name]])
  }
  if (!any(spatial)) {
    cause("model", "None of the model's inputs takes images.", expected = some(wanted))
  }
  scenes <- as_scenes(raster[spatial])
  join_ground(scenes, lapply(raster[!spatial], row_of_numbers), names(inputs))
}

row_of_numbers <- function(x) stats::setNames(as.double(x), names(x))

shown_names <- function(names) ifelse(nzchar(names), names, "one without a name")

input_text <- function(shape) paste(ifelse(shape < 0, "any", shape), collapse = " x ")

# A constant row of numbers for an input that takes one.
check_numbers <- function(values, name, shape) {
  if (length(shape) != 1) {
    cause("model", paste0("The model's input '", name, "' takes neither images nor a row of numbers."),
      expected = "rows x columns x bands, or numbers", given = input_text(shape)
    )
  }
  right <- is.numeric(values) && is.null(dim(values)) && !anyNA(values)
  if (!right || shape > 0 && length(values) != shape) {
    cause("raster", paste0("`raster$", name, "` is no row of numbers."),
      expected = paste0(
        if (shape > 0) count(shape, "number") else "numbers",
        ", the same all over the scene, in a vector whose names are those of the bands"
      ),
      given = shown(values)
    )
  }
}

# Size of a window in pixels of the finest raster, as the model's inputs have it.
ground_size <- function(inputs, ground) {
  known <- inputs[names(ground$scenes)]
  sizes <- lapply(names(known), function(name) known[[name]][1:2] * ground$ratios[[name]])
  sizes <- unlist(sizes)[unlist(lapply(known, `[`, 1:2)) > 0]
  if (length(sizes) == 0) {
    cause("option", "The model does not say how large its images are.",
      fix = "give `size`, in pixels of the finest raster"
    )
  }
  if (length(unique(sizes)) > 1) {
    pixels <- vapply(known, function(shape) paste(shape[1:2], collapse = " x "), "")
    of <- vapply(ground$scenes, function(scene) resolution_text(terra::res(scene)), "")
    cause("raster", "With these rasters, the model's inputs don't cover the same square of ground.",
      expected = "as many pixels times their size for all inputs, rows as columns",
      given = some(paste0(names(known), ": ", pixels, " pixels of ", of)),
      fix = "resample the rasters to the resolutions that the model was trained with"
    )
  }
  sizes[[1]]
}

# Sizes and steps of windows, which must hold whole pixels of all rasters.
as_ground_step <- function(value, ground, name) {
  value <- as_count(value, name)
  if (value %% ground$step != 0) {
    cause("option", paste0("With `", name, "` = ", value, ", windows would cut pixels of the coarser rasters."),
      expected = paste0("a multiple of ", ground$step, ", in pixels of the finest raster"), given = shown(value)
    )
  }
  value
}

# As many layers as each input takes bands.
check_ground <- function(ground, inputs) {
  for (name in names(ground$scenes)) {
    check_raster_layers(ground$scenes[[name]], inputs[[name]][[3]], paste0("raster$", name))
  }
}
