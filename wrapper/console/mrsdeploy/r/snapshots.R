## Snapshots: the workspace and the files of a session.
define({
  ## What createSnapshot returns will do, and so will the id in it.
  .snapshot <- function(x) {
    if (is.list(x)) x <- x$snapshotId
    .needtext(x, "snapshot_id")
  }

  createSnapshot <- function(name) {
    if (!missing(name) && !is.null(name)) .needtext(name, "name") else name <- NULL
    list(snapshotId = host("createSnapshot", name = name)$id)
  }

  loadSnapshot <- function(snapshot_id) {
    host("loadSnapshot", id = .snapshot(snapshot_id))
    TRUE
  }

  listSnapshots <- function() structure(host("listSnapshots")$snapshots, class = "snapshotDetails")

  downloadSnapshot <- function(snapshot_id, file = NULL) {
    id <- .snapshot(snapshot_id)
    path <- if (is.null(file)) .scratch() else .path(.needtext(file, "file"))
    host("downloadSnapshot", name = id, path = path)
    if (is.null(file)) readBin(path, "raw", file.size(path)) else TRUE
  }

  deleteSnapshot <- function(snapshot_id) {
    host("deleteSnapshot", id = .snapshot(snapshot_id))
    TRUE
  }

  ## A path for the program, whose working directory is another one.
  .path <- function(file) {
    file <- path.expand(file)
    if (grepl("^(/|[A-Za-z]:)", file)) file else file.path(getwd(), file)
  }

  print.snapshotDetails <- function(o, ...) {
    for (s in unclass(o)) cat(
      "snapshotId:   ", s$id, "\n",
      "name:         ", s$name, "\n",
      "owner:        ", s$owner, "\n",
      "creationTime: ", s$creationTime, "\n",
      "contentSize:  ", format(s$contentSize), "\n\n", sep = "")
    invisible(o)
  }

  summary.snapshotDetails <- function(o, ...) .table(o, c(snapshotId = "id", name = "name", creationTime = "creationTime"))

  .table <- function(o, columns) {
    column <- function(field) vapply(unclass(o), function(x) if (is.null(x[[field]])) "" else as.character(x[[field]]), "")
    as.data.frame(lapply(columns, column), stringsAsFactors = FALSE)
  }
})
