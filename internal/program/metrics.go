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

// ServeMetrics serves the process's metrics if the flags want it, and says
// where. stop ends it.
func ServeMetrics(c *cli.Context) (url string, stop func() error, err error) {
	if !c.Bool(MetricsFlag) {
		return "", func() error { return nil }, nil
	}
	listener, err := Listen(c, MetricsAddrFlag, MetricsPortFlag)
	if err != nil {
		return "", nil, err
	}
	url = "http://" + localAddress(listener) + metricsPaths[0]
	slog.Info("serving metrics", "url", url)
	return url, serveMetrics(listener), nil
}

func serveMetrics(listener net.Listener) (stop func() error) {
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
	return func() error {
		err := server.Close() // nothing is lost with an unfinished scrape
		<-done
		return err
	}
}
