/// Reading the main file and what it includes.
extension Loading {
    /// - Returns: `false` when the main file could not be read at all.
    mutating func readFiles(withIncludes: Bool) -> Bool {
        let place = Place(file: mainFile, line: 0)
        let bytes: [UInt8]
        switch host.readFile(mainFile) {
        case .success(let content): bytes = content
        case .failure(let failure):
            diagnostics.error(place, "cannot read the configuration: \(failure.text)")
            return false
        }
        let here = directory(ofFile: mainFile)
        DocumentParser.read(bytes, file: mainFile, here: here, into: &document, &diagnostics)
        if withIncludes, let include = document.section("include") { readIncludes(include, here) }
        return true
    }

    private func directory(ofFile path: String) -> String {
        Values.directory(of: Values.normalizedPath(path.hasPrefix("~") ? "./" + path : path, host))
    }

    private mutating func readIncludes(_ include: Section, _ base: String) {
        var view = view(of: include)
        view.scope["host_node_name"] = .text(host.hostNodeName)
        guard let entry = view.entry("files") else {
            diagnostics.error(include.place, "[include] has no files setting")
            return
        }
        for pattern in read("files", view, default: "", Values.text).words {
            let absolute = pattern.hasPrefix("/") ? pattern : (base == "/" ? "" : base) + "/" + pattern
            let paths = host.glob(absolute)
            if paths.isEmpty { diagnostics.warn(entry.place, "no file matches \(quoted(absolute))") }
            for path in paths { readIncluded(path, entry.place) }
        }
    }

    /// supervisord skips a file that it cannot open without a word; here it is skipped with a warning.
    private mutating func readIncluded(_ path: String, _ place: Place) {
        guard includedFiles.count < ConfigLimits.includedFiles else {
            diagnostics.error(place, "more than \(ConfigLimits.includedFiles) files are included")
            return
        }
        switch host.readFile(path) {
        case .success(let bytes):
            includedFiles.append(path)
            DocumentParser.read(
                bytes, file: path, here: directory(ofFile: path), into: &document, &diagnostics)
        case .failure(let failure):
            diagnostics.warn(place, "cannot read the included file \(quoted(path)), so it is left out: \(failure.text)")
        }
    }
}
