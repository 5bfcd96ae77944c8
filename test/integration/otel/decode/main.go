// Reads one request to an OTLP receiver in its JSON encoding and writes what is
// in it, one line of JSON for each data point: the judge of what the allocator
// pushes.
//
//	decode < REQUEST
//
// It is read twice: by the protocol's own messages, which refuse a field that
// they do not know, and as every OpenTelemetry Collector reads it, whose points
// are written. Exit code 1 and a line on standard error if either refuses it.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// number survives what JSON has no number for: NaN is "NaN".
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if data, err := json.Marshal(float64(n)); err == nil {
		return data, nil
	}
	return json.Marshal(fmt.Sprint(float64(n)))
}

// point is one line.
type point struct {
	Resource    map[string]any    `json:"resource"`
	Scope       string            `json:"scope"`
	Metric      string            `json:"metric"`
	Type        string            `json:"type"`
	Temporality string            `json:"temporality,omitempty"`
	Monotonic   bool              `json:"monotonic,omitempty"`
	Labels      map[string]any    `json:"labels"`
	Start       uint64            `json:"start"` // nanoseconds since 1970
	Time        uint64            `json:"time"`
	Int         bool              `json:"int,omitempty"`
	Value       number            `json:"value"` // a histogram's or summary's sum
	Count       uint64            `json:"count"`
	Buckets     []uint64          `json:"buckets,omitempty"`
	Bounds      []float64         `json:"bounds,omitempty"`
	Quantiles   map[string]number `json:"quantiles,omitempty"`
}

func numberPoints(in point, points pmetric.NumberDataPointSlice, write func(point)) {
	for _, data := range points.All() {
		out := in
		out.Labels = data.Attributes().AsRaw()
		out.Start, out.Time = uint64(data.StartTimestamp()), uint64(data.Timestamp())
		out.Int = data.ValueType() == pmetric.NumberDataPointValueTypeInt
		out.Value = number(data.DoubleValue())
		if out.Int {
			out.Value = number(data.IntValue())
		}
		write(out)
	}
}

func histogramPoints(in point, points pmetric.HistogramDataPointSlice, write func(point)) {
	for _, data := range points.All() {
		out := in
		out.Labels = data.Attributes().AsRaw()
		out.Start, out.Time = uint64(data.StartTimestamp()), uint64(data.Timestamp())
		out.Value, out.Count = number(data.Sum()), data.Count()
		out.Buckets = data.BucketCounts().AsRaw()
		out.Bounds = data.ExplicitBounds().AsRaw()
		write(out)
	}
}

func summaryPoints(in point, points pmetric.SummaryDataPointSlice, write func(point)) {
	for _, data := range points.All() {
		out := in
		out.Labels = data.Attributes().AsRaw()
		out.Start, out.Time = uint64(data.StartTimestamp()), uint64(data.Timestamp())
		out.Value, out.Count = number(data.Sum()), data.Count()
		out.Quantiles = map[string]number{}
		for _, quantile := range data.QuantileValues().All() {
			out.Quantiles[fmt.Sprint(quantile.Quantile())] = number(quantile.Value())
		}
		write(out)
	}
}

func metricPoints(resource pcommon.Map, scope string, metric pmetric.Metric, write func(point)) {
	out := point{Resource: resource.AsRaw(), Scope: scope, Metric: metric.Name(), Type: metric.Type().String()}
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		numberPoints(out, metric.Gauge().DataPoints(), write)
	case pmetric.MetricTypeSum:
		out.Temporality = metric.Sum().AggregationTemporality().String()
		out.Monotonic = metric.Sum().IsMonotonic()
		numberPoints(out, metric.Sum().DataPoints(), write)
	case pmetric.MetricTypeHistogram:
		out.Temporality = metric.Histogram().AggregationTemporality().String()
		histogramPoints(out, metric.Histogram().DataPoints(), write)
	case pmetric.MetricTypeSummary:
		summaryPoints(out, metric.Summary().DataPoints(), write)
	default:
		write(out)
	}
}

func run() error {
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(body, &metricspb.ExportMetricsServiceRequest{}); err != nil {
		return fmt.Errorf("protojson: %w", err)
	}
	request := pmetricotlp.NewExportRequest()
	if err := request.UnmarshalJSON(body); err != nil {
		return fmt.Errorf("pdata: %w", err)
	}
	encoder := json.NewEncoder(os.Stdout)
	var failed error
	write := func(line point) {
		if err := encoder.Encode(line); err != nil {
			failed = err
		}
	}
	for _, resource := range request.Metrics().ResourceMetrics().All() {
		for _, scope := range resource.ScopeMetrics().All() {
			for _, metric := range scope.Metrics().All() {
				metricPoints(resource.Resource().Attributes(), scope.Scope().Name(), metric, write)
			}
		}
	}
	return failed
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "decode:", err)
		os.Exit(1)
	}
}
