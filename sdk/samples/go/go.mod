module postrider.example/samples

go 1.21
