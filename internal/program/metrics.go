package program

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/urfave/cli/v2"
)

// metricsPaths are where Prometheus may look: its own default, and
// go-ethereum's.
var metricsPaths = []string{"/metrics", "/debug/metrics/prometheus"}

// ServeMetrics serves the process's metrics if the flags want it. stop ends it.
func ServeMetrics(c *cli.Context) (stop func(), err error) {
	if !c.Bool(MetricsFlag) {
		return func() {}, nil
	}
	listener, err := Listen(c, MetricsAddrFlag, MetricsPortFlag)
	if err != nil {
		return nil, err
	}
	slog.Info("serving metrics", "url", "http://"+listener.Addr().String()+metricsPaths[0])
	return serveMetrics(listener), nil
}

func serveMetrics(listener net.Listener) (stop func()) {
	mux := http.NewServeMux()
	for _, path := range metricsPaths {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { metrics.WritePrometheus(w, true) })
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("metrics are no longer served", "err", err)
		}
	}()
	return func() {
		_ = server.Close() // nothing is lost with an unfinished scrape
		<-done
	}
}
