package main

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/golang/protobuf/proto"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type service struct{}

func unary(name string, request func() proto.Message,
	method func(context.Context, proto.Message) (proto.Message, error)) grpc.MethodDesc {
	handler := func(_ interface{}, ctx context.Context, decode func(interface{}) error,
		_ grpc.UnaryServerInterceptor) (interface{}, error) {
		message := request()
		if err := decode(message); err != nil {
			return nil, err
		}
		return method(ctx, message)
	}
	return grpc.MethodDesc{MethodName: name, Handler: handler}
}

var description = grpc.ServiceDesc{
	ServiceName: serviceName,
	HandlerType: (*interface{})(nil),
	Methods: []grpc.MethodDesc{
		unary("EmptyCall", func() proto.Message { return new(Empty) }, emptyCall),
		unary("UnaryCall", func() proto.Message { return new(SimpleRequest) }, unaryCall),
	},
	Streams: []grpc.StreamDesc{
		{StreamName: "StreamingOutputCall", Handler: streamingOutputCall, ServerStreams: true},
		{StreamName: "StreamingInputCall", Handler: streamingInputCall, ClientStreams: true},
		{StreamName: "FullDuplexCall", Handler: fullDuplexCall, ServerStreams: true,
			ClientStreams: true},
	},
}

// Gives metadata back.
func echo(ctx context.Context, send func(metadata.MD) error, trailer func(metadata.MD)) error {
	fields, _ := metadata.FromIncomingContext(ctx)
	if values := fields.Get(echoTrailing); len(values) > 0 {
		trailer(metadata.Pairs(echoTrailing, values[0]))
	}
	if values := fields.Get(echoInitial); len(values) > 0 {
		return send(metadata.Pairs(echoInitial, values[0]))
	}
	return nil
}

func echoOfUnary(ctx context.Context) error {
	send := func(fields metadata.MD) error { return grpc.SendHeader(ctx, fields) }
	return echo(ctx, send, func(fields metadata.MD) { grpc.SetTrailer(ctx, fields) })
}

func failAsAsked(asked *EchoStatus) error {
	if asked == nil || asked.Code == 0 {
		return nil
	}
	if len(asked.Details) > 0 {
		full := new(spb.Status)
		if err := proto.Unmarshal(asked.Details, full); err != nil {
			return err
		}
		return status.ErrorProto(full)
	}
	return status.Error(codes.Code(asked.Code), asked.Message)
}

func sleep(ctx context.Context, millis int32) error {
	select {
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-time.After(time.Duration(millis) * time.Millisecond):
		return nil
	}
}

func emptyCall(ctx context.Context, request proto.Message) (proto.Message, error) {
	return request, echoOfUnary(ctx)
}

func unaryCall(ctx context.Context, message proto.Message) (proto.Message, error) {
	request := message.(*SimpleRequest)
	if err := echoOfUnary(ctx); err != nil {
		return nil, err
	}
	left := int64(0)
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline).Milliseconds()
	}
	if err := sleep(ctx, request.SleepMs); err != nil {
		return nil, err
	}
	if err := failAsAsked(request.Status); err != nil {
		return nil, err
	}
	return &SimpleResponse{Payload: make([]byte, request.ResponseSize), TimeLeftMs: left}, nil
}

func reply(request *OutputRequest, stream grpc.ServerStream) error {
	for _, size := range request.Sizes {
		if request.SleepMs > 0 {
			if err := sleep(stream.Context(), request.SleepMs); err != nil {
				return err
			}
		}
		if err := stream.SendMsg(&OutputResponse{Payload: make([]byte, size)}); err != nil {
			return err
		}
	}
	return failAsAsked(request.Status)
}

func streamingOutputCall(_ interface{}, stream grpc.ServerStream) error {
	request := new(OutputRequest)
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	if err := echo(stream.Context(), stream.SendHeader, stream.SetTrailer); err != nil {
		return err
	}
	return reply(request, stream)
}

func streamingInputCall(_ interface{}, stream grpc.ServerStream) error {
	if err := echo(stream.Context(), stream.SendHeader, stream.SetTrailer); err != nil {
		return err
	}
	size := 0
	for {
		request := new(InputRequest)
		if err := stream.RecvMsg(request); err == io.EOF {
			return stream.SendMsg(&InputResponse{Size: int64(size)})
		} else if err != nil {
			return err
		}
		size += len(request.Payload)
	}
}

func fullDuplexCall(_ interface{}, stream grpc.ServerStream) error {
	if err := echo(stream.Context(), stream.SendHeader, stream.SetTrailer); err != nil {
		return err
	}
	for {
		request := new(OutputRequest)
		if err := stream.RecvMsg(request); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := reply(request, stream); err != nil {
			return err
		}
	}
}

func serve(port string, arguments []string) {
	options := []grpc.ServerOption{grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage)}
	if len(arguments) > 0 && arguments[0] == "gzip" {
		// The deprecated option is the one that compresses whatever the request does.
		options = append(options, grpc.RPCCompressor(grpc.NewGZIPCompressor()))
		arguments = arguments[1:]
	}
	if len(arguments) == 2 {
		identity, err := credentials.NewServerTLSFromFile(arguments[0], arguments[1])
		if err != nil {
			fail(err)
		}
		options = append(options, grpc.Creds(identity))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		fail(err)
	}
	server := grpc.NewServer(options...)
	server.RegisterService(&description, service{})
	fail(server.Serve(listener))
}
