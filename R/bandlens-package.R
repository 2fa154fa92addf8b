#' @section Explain a network:
#' * [band_importance()]: which bands matter, for which class, and how sure that is.
#' * [pool_importance()]: and how sure over several trainings.
#' * [band_response()]: how the score of a class answers to the level of a band.
#' * [band_interactions()]: what bands do together, beyond what each does.
#' * [wavelength_zones()]: which neighbouring bands carry the same information, to be treated as one.
#' * [select_bands()]: how few bands suffice, and what those of other sensors are worth.
#' * [counterfactual_spectra()]: which bands would make an image one of another class.
#' * [band_maps()]: where in an image.
#' * [class_activation_maps()], [occlusion_maps()]: where a layer sees a class, and which band draws it there; where
#'   covering the image lowers the output.
#' * [band_response()]: how the output goes up and down with a band's level.
#' * [bandlens_bands()]: the names of a network's bands, kept beside it.
#' * [band_methods()]: the ways to ask, their cost and their options.
#' * [background_images()]: what images are compared with, and how much each counts.
#'
#' @section Look at a result, take out the numbers:
#' * [`autoplot()`][autoplot.band_importance], also of [maps][autoplot.band_maps], [class activation
#'   maps][autoplot.activation_maps] and [checks][band_check].
#' * [`print()`][print.band_importance], [`summary()`][summary.band_importance].
#' * [`tidy()`][tidy.band_importance], [`augment()`][augment.band_importance], [`glance()`][glance.band_importance]: a
#'   row for each band, for each image, for the whole.
#' * [`x[i]`, `c()`][pieces]: results of some of the images, and of several calls.
#'
#' @section Can it be believed?:
#' * [compare_importance()]: do other methods, networks or seeds say the same?
#' * [check_stability()]: would other images, or another background?
#' * [check_randomization()]: and a network that has learnt nothing?
#' * [check_deletion()]: does the output fall fastest when bands go in this order?
#' * [check_quality()]: and by the metrics of the field, method by method?
#' * [check_null()]: does the method see that a band is ignored?
#' * [check_plausibility()]: are images with absent bands like real ones?
#'
#' @section What do neurons look for?:
#' * [list_layers()], [layer_kernels()], [layer_activations()]: what is in the network.
#' * [visualize_features()], [top_images()]: images that excite a feature, made and found.
#'
#' @section Hand it on:
#' * [render_band_report()]: everything in one file.
#'
#' @section Rasters:
#' * [extract_patches()]: from a scene and places to images and labels.
#' * [score_raster()]: from a network and a scene to a map, which [autoplot_scores()] draws.
#' * [zonal_importance()]: from such a map and polygons to a table.
#'
#' @section Data to try things on:
#' * [landsat_patches()], [landsat_model()]: images and a trained network, shipped.
#' * [sentinel2_patches()], [sentinel2_scene()]: all 13 bands, downloaded.
#'
#' @section When something doesn't work:
#' * [bandlens_sitrep()]: what was found of Python, and how to mend what is missing.
#' * [bandlens_errors]: how to handle errors and warnings.
#'
#' `vignette("bandlens", package = "bandlens")` does the whole job once; `vignette(package = "bandlens")` lists more.
#' `citation("bandlens")` says how to cite it.
#'
#' @section Options:
#' See [bandlens_options]: progress, messages, precision.
#' @keywords internal
"_PACKAGE"
