// The OpenTelemetry Collector, with as little as a test needs: the Prometheus
// receiver, which asks a target allocator what to scrape, the OTLP receiver, which
// a target allocator pushes its own metrics to, and an exporter that writes what
// came as lines of JSON (json_lines.go).
//
//	collector NAME CONFIG-FILE
//
// NAME goes into the User-Agent of each scrape, as `NAME/1`, so that a target
// knows who scraped it. CONFIG-FILE is a collector's ordinary configuration, with
// one of these receivers and the exporter `json_lines`. Ends on SIGTERM.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/prometheusreceiver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

func factories() (otelcol.Factories, error) {
	var out otelcol.Factories
	var err error
	out.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](
		prometheusreceiver.NewFactory(), otlpreceiver.NewFactory())
	if err != nil {
		return out, err
	}
	out.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](jsonLinesFactory())
	if err != nil {
		return out, err
	}
	out.Telemetry = otelconftelemetry.NewFactory()
	return out, nil
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: collector NAME CONFIG-FILE")
	}
	collector, err := otelcol.NewCollector(otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: args[0], Description: "collector for tests", Version: "1"},
		Factories: factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{
			ResolverSettings: confmap.ResolverSettings{
				URIs:              []string{"file:" + args[1]},
				ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory()},
			},
		},
	})
	if err != nil {
		return err
	}
	return collector.Run(context.Background())
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "collector:", err)
		os.Exit(1)
	}
}
