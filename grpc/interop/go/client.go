package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/golang/protobuf/proto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
)

const patience = 100 * time.Second

// The cases share one connection.
type client struct{ *grpc.ClientConn }

var stream = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

// Describes a failed expectation, which ends the program.
func expect(holds bool, what ...interface{}) {
	if !holds {
		panic(fmt.Sprint(what...))
	}
}

func within(time time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time)
	_ = cancel
	return ctx
}

func (c client) unary(ctx context.Context, request *SimpleRequest,
	options ...grpc.CallOption) (*SimpleResponse, error) {
	response := new(SimpleResponse)
	return response, c.Invoke(ctx, "/"+serviceName+"/UnaryCall", request, response, options...)
}

func (c client) open(ctx context.Context, method string) grpc.ClientStream {
	opened, err := c.NewStream(ctx, stream, "/"+serviceName+"/"+method)
	expect(err == nil, err)
	return opened
}

// Sends one request, and gives the stream of its responses.
func (c client) outputs(ctx context.Context, request *OutputRequest) grpc.ClientStream {
	opened := c.open(ctx, "StreamingOutputCall")
	send(opened, request)
	expect(opened.CloseSend() == nil)
	return opened
}

func send(stream grpc.ClientStream, request proto.Message) {
	err := stream.SendMsg(request)
	expect(err == nil, "send: ", err)
}

func receive(stream grpc.ClientStream) (int, error) {
	response := new(OutputResponse)
	err := stream.RecvMsg(response)
	return len(response.Payload), err
}

func expectSizes(stream grpc.ClientStream, sizes ...int) {
	for _, size := range sizes {
		received, err := receive(stream)
		expect(err == nil && received == size, "received ", received, " for ", size, ": ", err)
	}
}

func expectEnd(stream grpc.ClientStream) {
	_, err := receive(stream)
	expect(err == io.EOF, "not the end: ", err)
}

func expectCode(err error, code codes.Code) {
	expect(status.Code(err) == code, "not ", code, ": ", err)
}

func emptyUnary(c client) {
	err := c.Invoke(within(patience), "/"+serviceName+"/EmptyCall", new(Empty), new(Empty))
	expect(err == nil, err)
}

func messagesOfManySizes(c client) {
	for _, size := range []int{0, 1, 16378, 16379, 65535, 65536, 271828, 3 << 20} {
		request := &SimpleRequest{ResponseSize: int32(size), Payload: make([]byte, size)}
		response, err := c.unary(within(patience), request)
		expect(err == nil && len(response.Payload) == size, size, ": ", err)
	}
}

func clientCompressedUnary(c client) {
	request := &SimpleRequest{ResponseSize: 1000, Payload: make([]byte, 271828)}
	response, err := c.unary(within(patience), request, grpc.UseCompressor("gzip"))
	expect(err == nil && len(response.Payload) == 1000, err)
}

// A compressor that no server knows.
type unknown struct{}

type plainWriter struct{ io.Writer }

func (plainWriter) Close() error                                  { return nil }
func (unknown) Name() string                                      { return "unknown" }
func (unknown) Compress(writer io.Writer) (io.WriteCloser, error) { return plainWriter{writer}, nil }
func (unknown) Decompress(reader io.Reader) (io.Reader, error)    { return reader, nil }

func unknownCompression(c client) {
	_, err := c.unary(within(patience), new(SimpleRequest), grpc.UseCompressor("unknown"))
	expectCode(err, codes.Unimplemented)
}

func clientStreaming(c client) {
	upload := c.open(within(patience), "StreamingInputCall")
	for _, size := range []int{27182, 8, 1828, 45904} {
		send(upload, &InputRequest{Payload: make([]byte, size)})
	}
	expectInput(upload, 74922)
}

func expectInput(upload grpc.ClientStream, size int64) {
	expect(upload.CloseSend() == nil)
	response := new(InputResponse)
	err := upload.RecvMsg(response)
	expect(err == nil && response.Size == size, response, err)
	expectEnd(upload)
}

func serverStreaming(c client) {
	request := &OutputRequest{Sizes: []int32{31415, 9, 2653, 58979}}
	download := c.outputs(within(patience), request)
	expectSizes(download, 31415, 9, 2653, 58979)
	expectEnd(download)
}

// grpc-go sends a PING for nearly each DATA frame, to measure the bandwidth.
func manyMessages(c client) {
	sizes := make([]int32, 20000)
	for n := range sizes {
		sizes[n] = 100
	}
	download := c.outputs(within(patience), &OutputRequest{Sizes: sizes})
	for range sizes {
		expectSizes(download, 100)
	}
	expectEnd(download)
	upload := c.open(within(patience), "StreamingInputCall")
	for range sizes {
		send(upload, &InputRequest{Payload: make([]byte, 100)})
	}
	expectInput(upload, 2000000)
}

// Each response is a DATA frame of its own, so each is answered by a PING.
func manyRoundTrips(c client) {
	call := c.open(within(patience), "FullDuplexCall")
	for n := 0; n < 5000; n++ {
		send(call, &OutputRequest{Sizes: []int32{10}})
		expectSizes(call, 10)
	}
	expect(call.CloseSend() == nil)
	expectEnd(call)
}

func pingPong(c client) {
	call := c.open(within(patience), "FullDuplexCall")
	for _, size := range []int{31415, 9, 2653, 58979} {
		send(call, &OutputRequest{Sizes: []int32{int32(size)}, Payload: make([]byte, 100)})
		expectSizes(call, size)
	}
	expect(call.CloseSend() == nil)
	expectEnd(call)
}

func emptyStream(c client) {
	call := c.open(within(patience), "FullDuplexCall")
	expect(call.CloseSend() == nil)
	expectEnd(call)
}

func customMetadata(c client) {
	const text, octets = "test_initial_metadata_value", "\xab\xab\xab"
	ctx := metadata.AppendToOutgoingContext(within(patience), echoInitial, text, echoTrailing, octets)
	var header, trailer metadata.MD
	_, err := c.unary(ctx, new(SimpleRequest), grpc.Header(&header), grpc.Trailer(&trailer))
	expect(err == nil, err)
	check := func() {
		values := append(header.Get(echoInitial), trailer.Get(echoTrailing)...)
		expect(len(values) == 2 && values[0] == text && values[1] == octets, header, trailer)
	}
	check()
	call := c.open(ctx, "FullDuplexCall")
	send(call, &OutputRequest{Sizes: []int32{1}})
	expect(call.CloseSend() == nil)
	header, err = call.Header()
	expect(err == nil, err)
	expectSizes(call, 1)
	expectEnd(call)
	trailer = call.Trailer()
	check()
}

func statusCodeAndMessage(c client) {
	for _, message := range []string{"test status message",
		"\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"} {
		asked := &EchoStatus{Code: 2, Message: message}
		_, err := c.unary(within(patience), &SimpleRequest{Status: asked})
		expectCode(err, codes.Unknown)
		expect(status.Convert(err).Message() == message, err)
		download := c.outputs(within(patience), &OutputRequest{Sizes: []int32{5}, Status: asked})
		expectSizes(download, 5)
		_, err = receive(download)
		expectCode(err, codes.Unknown)
		expect(status.Convert(err).Message() == message, err)
	}
}

func statusDetails(c client) {
	sent, err := status.New(codes.NotFound, "m").WithDetails(&EchoStatus{Code: 7, Message: "why"})
	expect(err == nil, err)
	details, err := proto.Marshal(sent.Proto())
	expect(err == nil, err)
	asked := &EchoStatus{Code: int32(codes.NotFound), Message: "m", Details: details}
	_, err = c.unary(within(patience), &SimpleRequest{Status: asked})
	received := status.Convert(err).Proto()
	expect(proto.Equal(received, sent.Proto()), received)
}

func unimplemented(c client) {
	for _, path := range []string{"/" + serviceName + "/Nothing", "/h2sync.testing.Nothing/Nothing"} {
		err := c.Invoke(within(patience), path, new(Empty), new(Empty))
		expectCode(err, codes.Unimplemented)
	}
}

func cancelAfterBegin(c client) {
	ctx, cancel := context.WithCancel(context.Background())
	upload := c.open(ctx, "StreamingInputCall")
	cancel()
	expectCode(upload.RecvMsg(new(InputResponse)), codes.Canceled)
}

func cancelAfterFirstResponse(c client) {
	ctx, cancel := context.WithCancel(context.Background())
	call := c.open(ctx, "FullDuplexCall")
	send(call, &OutputRequest{Sizes: []int32{31415}})
	expectSizes(call, 31415)
	cancel()
	_, err := receive(call)
	expectCode(err, codes.Canceled)
}

func timeoutOnSleepingServer(c client) {
	_, err := c.unary(within(50*time.Millisecond), &SimpleRequest{SleepMs: 90000})
	expectCode(err, codes.DeadlineExceeded)
}

func deadlineArrives(c client) {
	response, err := c.unary(within(patience), new(SimpleRequest))
	expect(err == nil && response.TimeLeftMs > 0, response, err)
	expect(response.TimeLeftMs <= patience.Milliseconds(), response)
}

func panics(c client) {
	_, err := c.unary(within(patience), &SimpleRequest{Panic: true})
	expectCode(err, codes.Internal)
}

func tooLarge(c client) {
	_, err := c.unary(within(patience), &SimpleRequest{Payload: make([]byte, 5<<20)})
	expectCode(err, codes.ResourceExhausted)
}

// A codec whose messages are octets that are no Protocol Buffers.
type malformedCodec struct{}

func (malformedCodec) Marshal(interface{}) ([]byte, error) { return []byte("\xff\xff"), nil }
func (malformedCodec) Unmarshal([]byte, interface{}) error { return nil }
func (malformedCodec) Name() string                        { return "proto" }

func malformed(c client) {
	_, err := c.unary(within(patience), new(SimpleRequest), grpc.ForceCodec(malformedCodec{}))
	expectCode(err, codes.Internal)
}

func tenThousandCalls(c client) {
	var group sync.WaitGroup
	for thread := 0; thread < 40; thread++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for size := 0; size < 250; size++ {
				request := &SimpleRequest{ResponseSize: int32(size)}
				response, err := c.unary(within(patience), request)
				expect(err == nil && len(response.Payload) == size, err)
			}
		}()
	}
	group.Wait()
}

func refusedUploadsBesideALongCall(c client) {
	call := c.open(within(patience), "FullDuplexCall")
	for n := 0; n < 300; n++ {
		upload := c.open(within(patience), "Nothing")
		for n := 0; n < 5; n++ {
			// The server may have refused it by now.
			if upload.SendMsg(&InputRequest{Payload: make([]byte, 1000)}) != nil {
				break
			}
		}
		expectCode(upload.RecvMsg(new(InputResponse)), codes.Unimplemented)
		send(call, &OutputRequest{Sizes: []int32{10}})
		expectSizes(call, 10)
	}
	expect(call.CloseSend() == nil)
	expectEnd(call)
}

func healthIsTold(c client) {
	stub := health.NewHealthClient(c)
	response, err := stub.Check(within(patience), new(health.HealthCheckRequest))
	expect(err == nil && response.Status == health.HealthCheckResponse_SERVING, response, err)
	ctx, cancel := context.WithCancel(within(patience))
	defer cancel()
	watch, err := stub.Watch(ctx, new(health.HealthCheckRequest))
	expect(err == nil, err)
	response, err = watch.Recv()
	expect(err == nil && response.Status == health.HealthCheckResponse_SERVING, response, err)
	_, err = stub.Check(within(patience), &health.HealthCheckRequest{Service: "nothing"})
	expectCode(err, codes.NotFound)
}

func servicesAreListed(c client) {
	call, err := reflection.NewServerReflectionClient(c).ServerReflectionInfo(within(patience))
	expect(err == nil, err)
	err = call.Send(&reflection.ServerReflectionRequest{
		MessageRequest: &reflection.ServerReflectionRequest_ListServices{},
	})
	expect(err == nil, err)
	response, err := call.Recv()
	expect(err == nil, err)
	var names bytes.Buffer
	for _, service := range response.GetListServicesResponse().GetService() {
		fmt.Fprintln(&names, service.Name)
	}
	expect(bytes.Contains(names.Bytes(), []byte(serviceName)), names.String())
	expect(call.CloseSend() == nil)
	_, err = call.Recv()
	expect(err == io.EOF, err)
}

var cases = []struct {
	name string
	run  func(client)
}{
	{"empty_unary", emptyUnary},
	{"messages_of_many_sizes", messagesOfManySizes},
	{"client_compressed_unary", clientCompressedUnary},
	{"unknown_compression", unknownCompression},
	{"client_streaming", clientStreaming},
	{"server_streaming", serverStreaming},
	{"many_messages", manyMessages},
	{"many_round_trips", manyRoundTrips},
	{"ping_pong", pingPong},
	{"empty_stream", emptyStream},
	{"custom_metadata", customMetadata},
	{"status_code_and_message", statusCodeAndMessage},
	{"status_details", statusDetails},
	{"unimplemented", unimplemented},
	{"cancel_after_begin", cancelAfterBegin},
	{"cancel_after_first_response", cancelAfterFirstResponse},
	{"timeout_on_sleeping_server", timeoutOnSleepingServer},
	{"deadline_arrives", deadlineArrives},
	{"panic", panics},
	{"too_large", tooLarge},
	{"malformed", malformed},
	{"ten_thousand_calls", tenThousandCalls},
	{"refused_uploads_beside_a_long_call", refusedUploadsBesideALongCall},
	{"health", healthIsTold},
	{"reflection", servicesAreListed},
}

func call(target string, arguments []string) {
	encoding.RegisterCompressor(unknown{})
	security := grpc.WithInsecure()
	if len(arguments) > 0 {
		trusted, err := credentials.NewClientTLSFromFile(arguments[0], "")
		if err != nil {
			fail(err)
		}
		security = grpc.WithTransportCredentials(trusted)
	}
	sizes := grpc.WithDefaultCallOptions(
		grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage))
	connection, err := grpc.Dial(target, security, sizes)
	if err != nil {
		fail(err)
	}
	for _, test := range cases {
		start := time.Now()
		test.run(client{connection})
		fmt.Printf("%s: %.2f s\n", test.name, time.Since(start).Seconds())
	}
	connection.Close()
}
