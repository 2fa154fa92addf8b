# The main verb: how much does each band contribute to each class?

#' How much does each band contribute to each class?
#'
#' Explains a trained model's class scores by the input bands. Every image gets one score per band: an attribution (by
#' DeepSHAP or a gradient) reduced over the image's pixels. The importance of a band for a class is the mean size of its
#' scores over the images of that class, with a standard error and a 95 % confidence interval.
#'
#' @param model A trained Keras model (as made or loaded with keras3, keras, or reticulate), the path of a saved one
#'   (`.keras`, `.h5`), or a function, of R or Python, from a batch of images to outputs: see section Functions.
#' @param x Images: a numeric array, images x rows x columns x bands, or a list of arrays, rows x columns x bands, one
#'   per image. Images come first and bands on `band_axis`; all other axes count as pixels. It is neither copied nor
#'   changed. Or a list of images `x` and labels `y`, such as `landsat_patches()$test`, or what [extract_patches()]
#'   gives: they are taken with their labels, names of bands and wavelengths, unless you give others. For a model with
#'   several inputs, see section Several inputs and time. Files and streams: see section Where images live.
#' @param y Class of each image: a factor (its levels, in the order of the model's outputs, name the classes), class
#'   names (with `classes`), class numbers counted from 1, or a one-hot matrix. `NULL` takes the class that the model
#'   predicts. For a model that predicts a number, the observed ones: the result says how well it does (R^2), and
#'   `"permutation"` asks how much worse it would, `"sage"` what each band buys.
#'
#'   Of images with several labels: a matrix of zeros and ones with a column for each label, or a list with a vector of
#'   names or numbers for each image; `NULL` takes the labels with a probability above 0.5. Of pixels: an array of class
#'   numbers from 1, names or a factor with dimensions, images x rows x columns. Of a model of several numbers: a matrix
#'   or data frame with a column for each.
#' @param ... Options of the method, by name; [band_methods()] lists them. For `"deepshap"`, `background_per_image = k`
#'   compares each image with `k` background images of its own, drawn from the background: far cheaper, and its sampling
#'   error is part of the standard errors. Importance is then the mean of the scores' sizes without these errors
#'   (`draw_errors`), which would make absolute values too large.
#' @param method How attributions are computed, one of [band_methods()]: `"deepshap"` (additive: an image's scores sum
#'   to what sets its output apart from the background's mean output), `"saliency"` (the gradient; no background
#'   needed), `"gradient_x_input"`, `"smoothgrad"`, `"vargrad"`, `"integrated_gradients"`, `"expected_gradients"`,
#'   `"lrp"` (layer-wise relevance propagation: the output itself is handed back, layer by layer; `completeness` says how
#'   much of it biases hold), `"occlusion"`, `"shapley"`, `"owen"`, `"permutation"`, `"sage"` or `"lime"`. Or several:
#'   then the model is traced once, all methods have the same background, and an option goes to the methods that have
#'   it.
#' @param background Images that stand for "band not informative", such as the training images (alone, or with labels as
#'   for `x`, which are not looked at). `NULL` takes them from `x`, evenly from its classes. Methods that compare with
#'   nothing, such as `"saliency"`, don't look at it. [background_images()] says how they are chosen, or how much each
#'   counts; a strategy, such as `"others"` or `"kmeans"`, how they are chosen from `x`.
#' @param n_background How many background images to use at most; if there are more, a random sample of them, or what
#'   the strategy makes of them. `NULL` is 100, or as many as it takes with `precision` or `max_seconds`.
#' @param target The output to explain: `"class"`, each image's own class; `"predicted"`, its predicted class; `"all"`,
#'   every output; or one output by name or number.
#' @param output `"logit"` explains the value before a final softmax or sigmoid (whatever only reshapes or casts may
#'   come after it), `"probability"` the value after it; `"auto"` is the logit where the model has one, else the output
#'   as it is. For a model that ends in neither, `"logit"` says that its outputs are logits; a single one is that of the
#'   second of two classes. This is an error if they are made of the values of softmaxes, sigmoids or exponentials
#'   alone, such as their mean, without a layer with a kernel or a logarithm in between. For a function that gives
#'   scores, `"probability"` says that they are probabilities.
#' @param head Name or number of the output to explain, where the model has several.
#' @param task What the outputs stand for. `"auto"`: behind a softmax, one of several classes; with outputs for every
#'   pixel, their classes (`"segmentation"`); a single unit with no sigmoid is a number (`"regression"`). Sigmoids are
#'   several labels (`"multilabel"`) unless `y` has one class for each image. Several units with nothing behind them are
#'   what labels speak for, and classes without any; say so if they are numbers. The print-out says what it was.
#' @param zone Where the model gives outputs for every pixel: what is explained for a class is the mean of its output
#'   over a zone of the image, the pixels that are labelled with the class (`"label"`, the default with `y`), those that
#'   the model takes for it (`"predicted"`), all (`"image"`), or those of a logical array, images x rows x columns. The
#'   same zone is read on background images. An image counts for each class that occurs in it.
#' @param ignore Values in a `y` of pixels that stand for no class, such as `255` or `NA`.
#' @param statistic How attributions are reduced over pixels: `"band_sum"`, their signed sum (additive methods), or
#'   `"pixel_mean_abs"`, the mean of their absolute values; `"whole_band"` where a method has no pixels. `NULL` is the
#'   method's own.
#' @param bands Names of the bands. `NULL` takes the `dimnames` of `x`, if there are any, else those that are kept with
#'   the model, see [bandlens_bands()].
#' @param wavelengths Wavelengths of the bands in nm, in the order of `bands`, else of `x`; `NA` where there is none.
#' @param groups Bands to be treated as one: a named list of band names, or of their positions counted from 1, such as
#'   `list(visible = c("blue", "green", "red"))`; of several inputs, bands are called `"sar:VV"` there, and `"input"`
#'   makes each input a group. Bands in no group stay single. Methods that change bands change those
#'   of a group together; for the others a group's score is the sum of its bands' scores. A group's wavelength is the
#'   mean of its bands'. What [wavelength_zones()] gives is taken as it is; `"auto"` learns such zones from the
#'   background. To `"owen"`, groups (zones, if none are given) share first and the bands of each after: rows are bands,
#'   and [`tidy(level = "group")`][tidy.band_importance] has the groups.
#' @param classes Names of the classes in the order of the model's outputs. `NULL` takes the levels of `y`.
#' @param band_axis Axis of `x` that holds the bands: -1 is the last one; others count from 1, which is the images' own.
#'   For spectra in an array, images x bands x 1, it is 2.
#' @param time_axis Axis of `x` that holds steps in time, counted as `band_axis`: scores are then kept per step, not
#'   summed over them. For images x time x rows x columns x bands it is 2, for images x time x bands too. `NULL` sums.
#' @param times Dates (`Date`, `POSIXct`), numbers or names of the steps. `NULL` takes the `dimnames` of that axis, else
#'   their positions.
#' @param reorder Whether to bring `x` and `background` into one order of bands, by name. Without it, another order is
#'   an error; [bandlens_bands()] says how names are compared, and which order it is.
#' @param batch_size Images that are computed at once; `NULL` fits them to the memory. It does not change the result.
#' @param seed Makes the draw of the background, and random methods, repeatable.
#' @param precision Half width of the 95 % interval of every share in the table: `0.01` is a point of a hundred. Images
#'   and background images are then drawn from those given, until that is reached: see section Precision.
#' @param max_seconds How long it may take. With `precision`, it stops there if that was not reached before; alone, the
#'   table is as precise as can be in that time.
#' @param models Instead of `model`: a list of models that were trained separately (from other seeds, on other data, of
#'   other architectures), whose names name the runs, or a vector of paths. All explain the same images against the same
#'   background, and their importances are pooled, as [pool_importance()] does: `band_importance(x = x, y = y, models =
#'   list(first, second))`. Takes one method, and neither `precision` nor `max_seconds`.
#' @param client Who computes scores: the address of the scheduler of a Dask cluster, such as `"tcp://10.0.0.1:8786"`,
#'   or how many processes to start on this machine for the call. The model goes to each worker once, images go block by
#'   block, and scores are those of one process. `NULL` computes in this session. See `vignette("clusters")`.
#' @param progress Whether to show a progress bar. `NULL` shows one in interactive sessions only.
#'
#' @returns An object of class `band_importance`: a list of plain vectors and arrays, which [saveRDS()] can save. Take
#'   the numbers out with [`tidy()`][tidy.band_importance], [`augment()`][augment.band_importance] and
#'   [`glance()`][glance.band_importance]; look at them with [`summary()`][summary.band_importance],
#'   [`autoplot()`][autoplot.band_importance] and [`plot()`][plot.band_importance]. Of several methods, a list of them
#'   with the methods as names, which [compare_importance()] takes. Of several models, a `pooled_importance`, see
#'   [pool_importance()].
#'
#' @section Where images live:
#' Images need not be in R, nor fit into memory. `x` and `background` may be
#'
#' - paths: `"patches.h5"` or `"patches.h5:/train/x"`, where the file has several arrays (also `list("patches.h5",
#'   "train/x")`), `"patches.zarr"`, `"x.npy"`, or GeoTIFFs, each an image (`c("a.tif", "b.tif")`, `"patches/*.tif"`);
#'   their axes are in the order in which Python reads them, images first;
#' - a Python object, such as a pipeline of tfdatasets, an array of zarr, or an `xarray.DataArray`, of which axes,
#'   bands, wavelengths and labels are known by name;
#' - a function that gives the next batch each time it is called, an array or `list(x, y)`, and `NULL` behind the last.
#'
#' A few images are read at a time. Pipelines and functions are read once, and kept in a temporary file while they are
#' explained, which a message says. Scores are those of an array, bit for bit. Labels may come with the batches or as
#' `y`, not both; `y` may be a path, too. Labels in files and in pipelines count classes from 0, as the model was
#' trained with them; those that a function of R gives count from 1, or are factors.
#' What can't be read, or changes meanwhile, is an error of class `bandlens_error_source`. Files other than `.h5` and
#' `.npy` need Python packages: zarr, or rasterio.
#'
#' ```r
#' band_importance(model, "patches.h5:/test/x", "patches.h5:/test/y", background = "patches.h5:/train/x")
#' pipeline <- tfdatasets::dataset_batch(tfdatasets::tensor_slices_dataset(list(x, y)), 64)
#' band_importance(model, pipeline, background = train)
#' ```
#'
#' @section Functions:
#' A function of tensors that is written with the operations of keras3 (`op_mean()` and others), or that calls a Keras
#' model inside, can be explained by every method. Methods that only ask for outputs, `"occlusion"`, `"shapley"`,
#' `"owen"`, `"permutation"`, `"sage"` and `"lime"`, take any function, so that models of torch, xgboost, ranger or a
#' remote service can be explained, too. It is given an array, images x rows x columns x bands with the names of the bands, and
#' returns scores: a matrix or a data frame with one row per image and one column per class, whose column names are
#' taken as names of the classes, or one number per image. It is first tried with three of the images, since scores must
#' depend on the image alone. Scores are explained as they are; `output` says if they are probabilities or logits.
#'
#' ```r
#' fitted <- ranger::ranger(y ~ ., data = table_of(x_train), probability = TRUE)
#' band_importance(function(x) predict(fitted, table_of(x))$predictions, x_test, y_test, method = "shapley")
#' ```
#'
#' @section What the numbers mean:
#' Scores are in units of the explained output and are not rescaled per image, so that images can be compared. A band's
#' signed contributions are summed over the pixels *before* absolute values are averaged over images: noise within an
#' image cancels instead of adding up. Shares are taken from the finished table.
#'
#' @section Several inputs and time:
#' A model with several inputs takes a named list of arrays, one for each of its inputs, which hold the same images in
#' the same order: `x = list(optical = array1, sar = array2)`; or an unnamed one, in the order of the inputs.
#' `background` is such a list, too. Sizes and resolutions may differ; rows of numbers, images x numbers, are an input
#' whose numbers are bands. `bands`, `wavelengths`, `band_axis`, `time_axis` and `times` say the same of all inputs, or
#' are a list with an entry for each of those of which there is something to say: `time_axis = list(sar = 2)`. The table
#' has a column `input`, and shares add up to 1 over all inputs. `groups = "input"` treats each input as one band. A
#' function is given a named list of arrays.
#'
#' With `time_axis`, the table has a row for each band at each step, and a column `time`.
#' [`tidy(level = "band")`][tidy.band_importance] and `tidy(level = "time")` give the sums.
#' `vignette("time")` shows both.
#'
#' ```r
#' inputs <- list(optical = optical, sar = sar)
#' fused <- band_importance(model, inputs, y, bands = list(sar = c("VV", "VH")), groups = "input")
#' series <- band_importance(model, x, y, time_axis = 2, times = as.Date(c("2024-04-03", "2024-05-01", "2024-06-12")))
#' ```
#'
#' @section Precision:
#' With `precision` or `max_seconds`, work is done in rounds. Each is an ordinary call for some images, as many of
#' every class as its intervals ask for, and some of the background images, drawn at random (with `seed`) and kept in
#' the rounds to come. It ends when all shares of the table are known so well, when time is over, or when more of what
#' was given would not help; then a warning of class `bandlens_warning_precision` says how far it came, which share is
#' known least, and what would help. The table is that of the last round. The result records the images (`images`) and
#' the background images (`background`) in the order in which they were used, and `glance()` says what was reached
#' (`precision_reached`, `converged`). `"deepshap"` compares each image with a few background images of its own then,
#' and `"expected_gradients"` starts with few draws, unless `background_per_image` or `n_samples` say how many; all
#' other options of a method stay as they are. Methods of which it is not known what the background does
#' (`se_background` is `NA`), such as `"lime"`, take more images alone. The first round is always finished, so that
#' `max_seconds` may be exceeded. Metrics of `"permutation"` that are computed for all images at once are refused.
#'
#' In an interactive session, an interrupt returns the table of what is finished, with wider intervals and a warning of
#' class `bandlens_warning_interrupted` (not with several methods, where nothing is kept). Images are explained in the
#' order in which they are given, unless they are drawn.
#'
#' ```r
#' quick <- band_importance(model, x, y, background = train, precision = 0.02)
#' best <- band_importance(model, x, y, background = train, max_seconds = 60)
#' ```
#'
#' @section Warnings:
#' A table that can't be right comes with a warning of class `bandlens_warning_completeness`. It names the worst image,
#' how large the error is, and what to do. There are two kinds, for additive methods: scores that miss what they should
#' sum to by more than rounding, or than their standard errors explain (`completeness` in
#' [`glance()`][glance.band_importance]); and scores that are far larger than what exchanging their bands with the
#' background's does to the output, so that scores of opposite signs cancel (`cancellation`), as divisions by nearly
#' zero make them.
#'
#' What does not fit together comes with a warning of class `bandlens_warning_data`: images and background on different
#' scales, values that the model's own first layers (normalisation, rescaling) were not made for, a value such as -9999
#' or 0 that stands for "no data" in more than a few pixels, bands that have one value everywhere, spectra whose bands
#' are not on `band_axis`, wavelengths in micrometres. A sample of the pixels is looked at. A background that is plain,
#' such as zeros, or one image over and over, is a baseline and not compared.
#'
#' On at least 30 images with labels, a warning of class `bandlens_warning_accuracy` says if the model is no better than
#' chance. It also says, even on fewer, if labels would fit far better counted from another number, or with the classes
#' in another order, and by how much images would have to be multiplied for the model to be right.
#'
#' @seealso [pool_importance()] for several trainings, [band_methods()] for the methods and their options,
#'   [bandlens_errors] for what can go wrong.
#' @examplesIf bandlens:::has_tensorflow()
#' landsat <- landsat_patches()
#' some <- seq(1, 2000, by = 40) # of all classes; you will take all of your images
#' model <- landsat_model() # yours, made with keras3, or the path of its file
#' importance <- band_importance(
#'   model, landsat$test$x[some, , , ], landsat$test$y[some],
#'   background = landsat$train$x, n_background = 20, wavelengths = landsat$wavelengths
#' )
#' importance
#' summary(importance)
#' tidy(importance)
#' @export
band_importance <- function(model = NULL,
                            x,
                            y = NULL,
                            ...,
                            method = "deepshap",
                            background = NULL,
                            n_background = NULL,
                            target = "class",
                            output = c("auto", "logit", "probability"),
                            head = NULL,
                            task = c("auto", "classification", "multilabel", "regression", "segmentation"),
                            zone = NULL,
                            ignore = NULL,
                            statistic = NULL,
                            bands = NULL,
                            wavelengths = NULL,
                            groups = NULL,
                            classes = NULL,
                            band_axis = -1,
                            time_axis = NULL,
                            times = NULL,
                            reorder = FALSE,
                            batch_size = NULL,
                            seed = 0,
                            precision = NULL,
                            max_seconds = NULL,
                            models = NULL,
                            client = NULL,
                            progress = NULL) {
  if (!is.null(models)) {
    given <- list(model = model, x = if (!missing(x)) x, y = y)
    given <- beside_models(Filter(Negate(is.null), given), names(sys.call()))
    model <- given$model
    x <- given$x
    y <- given$y
  }
  in_verb("compute band importance", {
    models <- check_models(model, models)
    asked <- table_arguments(
      ...,
      method = method, background = background, n_background = n_background, target = target, output = output,
      head = head, task = task, zone = zone, ignore = ignore,
      statistic = statistic, bands = bands, wavelengths = wavelengths, groups = groups, classes = classes,
      band_axis = band_axis, time_axis = time_axis, times = times, reorder = reorder, batch_size = batch_size,
      seed = seed, client = client
    )
    asked$arguments$precision <- precision
    asked$arguments$max_seconds <- max_seconds
    if (!is.null(models)) {
      return(as_pooled_importance(explain_models(models, x, y, asked, progress)))
    }
    asked$arguments$keep_on_interrupt <- rlang::is_interactive()
    found <- explain("band_importance", model, x, y, asked, progress)
    if (length(asked$arguments$method) == 1) {
      return(as_band_importance(found))
    }
    stats::setNames(lapply(found, as_band_importance), unlist(asked$arguments$method))
  })
}
