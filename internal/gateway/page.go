package gateway

import (
	"embed"
	"net/http"
	"path"
)

// pageFiles are the web page. It asks nobody but its gateway, so it works without internet.
//
//go:embed page/*
var pageFiles embed.FS

// pageFolder is where the files of the page are; the page itself is at /.
const pageFolder = "/v1/page/"

// pagePolicy lets the page load and ask for what its own gateway has, and be shown in no
// frame of others.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// addPage adds the page's files, each by its name. They are the same for everybody, so they
// need no token; what the page shows it asks for with one.
func (g *Gateway) addPage(m *http.ServeMux) {
	list, err := pageFiles.ReadDir("page")
	if err != nil {
		panic(err) // it is part of the program
	}
	for _, one := range list {
		m.Handle("GET "+pageFolder+one.Name(), g.file("page/"+one.Name()))
	}
	m.Handle("GET /{$}", g.file("page/index.html"))
}

// file serves one file of the page.
func (g *Gateway) file(name string) http.Handler {
	kinds := map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
	b, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is part of the program
	}
	kind := kinds[path.Ext(name)]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.access.checkHost(r); err != nil {
			problemOf(err).write(w)
			return
		}
		w.Header().Set("Content-Security-Policy", pagePolicy)
		w.Header().Set("Referrer-Policy", "no-referrer")
		g.send(w, http.StatusOK, body{kind, b})
	})
}
